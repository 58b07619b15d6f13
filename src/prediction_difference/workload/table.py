"""The plan as text."""

from collections.abc import Sequence

from prediction_difference.workload.planning import Step, advise, share_of_start, total

_UNKNOWN = "?"
_HEADER = (
    "",
    "images",
    "forwards",
    "jobs",
    "hours",
    "disk",
    "start",
    "advice",
    "speed from",
)


def plan_text(steps: Sequence[Step], device: str, start: float, workers: int) -> str:
    """A Markdown table of steps and what they sum up to, as `prediction-difference plan` prints it.

    device: what the hours are of. workers: cores or GPUs that share the work.
    """
    rows = [_HEADER, tuple("-" * max(3, len(word)) for word in _HEADER)]
    rows += [_row(step, start) for step in steps]
    sums = total(steps, start)
    of = "one core" if device == "cpu" else f"one {device.upper()}"
    lines = [*_aligned(rows), ""]
    lines.append(
        f"Together {sums.forwards:,} forward passes in {sums.jobs:,} jobs: "
        f"{hours(sums.seconds)} hours of {of}, {hours(sums.seconds / workers)} on {workers:,}, "
        "starting jobs included "
        f"({start:g} s each); {size(sums.disk)} of arrays before compression."
    )
    if sums.unknown:
        lines.append(f"Not in these sums, as their cost is unknown: {', '.join(sums.unknown)}.")
    reasons = dict.fromkeys(step.work.unknown for step in steps if step.work.unknown)
    lines += [f"Unknown: {reason}." for reason in reasons]
    if any(step.work.is_lower_bound for step in steps):
        lines.append("At least so many where a standard error is asked for (marked +).")
    lines.append("Nor are data, priors, training of classifiers, figures and the report in them.")
    lines += [
        f"hours: of {of}, without starting jobs. start: its share of a job as configured. advice: "
        "images_per_job, and chunks of an image where a job would take over an hour, for which "
        "the start is under 5 %.",
        "speed from: measured in an earlier run; the package's table (workload/speeds.yaml); or an "
        "estimate from multiply-accumulates of whole passes, which is not measured.",
    ]
    return "\n".join(lines) + "\n"


def _row(step: Step, start: float) -> tuple[str, ...]:
    work, advice, share = step.work, advise(step, start), share_of_start(step, start)
    forwards = work.total_forwards
    words = _UNKNOWN if forwards is None else f"{forwards:,}{'+' if work.is_lower_bound else ''}"
    chosen = ""
    if advice is not None:
        chosen = f"{advice.images_per_job}" + (
            f", {advice.chunks} chunks" if advice.chunks > 1 else ""
        )
    return (
        f"{work.section}.{work.name}",
        f"{work.images:,}",
        words,
        f"{work.jobs:,}",
        _UNKNOWN if step.seconds is None else hours(step.seconds),
        _UNKNOWN if step.disk is None else size(step.disk),
        "" if share is None else f"{share:.0%}",
        chosen,
        _UNKNOWN if step.speed is None else step.speed.source,
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]


def hours(seconds: float) -> str:
    """Hours with two digits that count."""
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def size(count: float) -> str:
    """Bytes in a unit that fits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"
