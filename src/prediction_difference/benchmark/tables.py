"""What was measured as tables: beside every number that has a target, whether it is reached."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prediction_difference.figures.style import UNKNOWN, number

MIB_OF_GIB = 1024
NAMES = {
    "dense": "dense, float32",
    "dense-bfloat16": "dense, bfloat16",
    "incremental": "incremental, float32",
    "incremental-bfloat16": "incremental, bfloat16",
    "captum": "captum Occlusion",
    "monai": "MONAI OcclusionSensitivity",
    "published": "as published",
    "bare": "classifier alone",
}
"""Of the cases, for people."""
PERTURBATION_NAMES = {
    "bare": "classifier alone",
    "whole": "whole images, float32",
    "whole-bfloat16": "whole images, bfloat16",
    "changes": "what changes, float32",
    "changes-bfloat16": "what changes, bfloat16",
}
"""Of the cases of region perturbation."""


@dataclass(frozen=True)
class Table:
    """A table with a title, what its columns hold, rows of texts, and notes below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def all_tables(everything: Mapping[str, Any]) -> list[Table]:
    """Every table that has rows."""
    settings, parts = everything["settings"], everything["parts"]
    tables = [
        *(_speed(settings, group) for group in by_device(parts, "network")),
        _errors(settings, of_kind(parts, "network")),
        _maps(settings, of_kind(parts, "map")),
        _linear(settings, of_kind(parts, "linear")),
        _perturbation(settings, of_kind(parts, "perturbation")),
        _ablation(of_kind(parts, "ablation")),
        _machines(parts),
    ]
    return [table for table in tables if table.rows]


def of_kind(parts: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """Parts of one kind, in their order."""
    return [part for part in parts if part["kind"] == kind]


def by_device(parts: Iterable[Mapping[str, Any]], kind: str) -> Iterator[list[Mapping[str, Any]]]:
    """Parts of one kind, those of each device together."""
    chosen = of_kind(parts, kind)
    for device in dict.fromkeys(part["device"] for part in chosen):
        yield [part for part in chosen if part["device"] == device]


def spread(measured: Mapping[str, Any] | None) -> str:
    """Median (smallest to largest)."""
    if measured is None:
        return UNKNOWN
    low, high = number(measured["min"]), number(measured["max"])
    return f"{number(measured['median'])} ({low} to {high})"


def verdict(value: float | None, target: float | None, at_least: bool = True) -> str:
    """Whether a target is reached, and by what part of it it is missed."""
    if target is None:
        return ""
    if value is None:
        return f"{number(target)}: not measured"
    missing = (target - value if at_least else value - target) / target
    sign = "≥" if at_least else "≤"
    outcome = "reached" if missing <= 0 else f"missed by {100 * missing:.0f} %"
    return f"{sign} {number(target)}: {outcome}"


def _speed(settings: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Table:
    device = parts[0]["device"]
    rows = [row for part in parts for row in _speed_rows(settings, part)]
    notes = [_outside(settings, part) for part in parts if part["result"]["outside_classifier"]]
    return Table(
        f"Windows a second, k={settings['window']}, S={settings['samples']}, on {device}",
        (
            "network", "case", "batch", "windows/s, median (range)", "over dense (range)",
            "target", "whole map, minutes", "peak memory, GiB",
        ),
        rows,
        notes,
    )  # fmt: skip


def _speed_rows(settings: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[list[str]]:
    result, network = part["result"], part["network"]
    targets = settings["networks"][network]["targets"] if part["device"] == "cpu" else {}
    for case, found in result["cases"].items():
        if found["refused"]:
            yield [network, NAMES[case], *_refusal(found["refused"], 6)]
            continue
        speed = found["windows_per_second"]
        ratio = found["ratio_to_dense"]
        minutes = result["windows_per_map"] / speed["median"] / 60
        yield [
            network,
            NAMES[case],
            str(found["batch"] or "own choice"),
            spread(speed),
            spread(ratio),
            verdict(ratio and ratio["median"], targets.get(case)),
            number(minutes),
            _memory(settings, part["device"], result["memory"].get(case)),
        ]


def _refusal(reason: str, columns: int) -> list[str]:
    return [f"not measured: {reason}", *[""] * (columns - 1)]


def _memory(settings: Mapping[str, Any], device: str, found: Mapping[str, Any] | None) -> str:
    if found is None or found["refused"]:
        return UNKNOWN
    peak = found["peak_mib" if device == "cpu" else "gpu_peak_mib"] / MIB_OF_GIB
    is_missed = device == "cpu" and peak > settings["memory_target"]
    return number(peak) + (" (too much)" if is_missed else "")


def _outside(settings: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    share = part["result"]["outside_classifier"]
    told = verdict(share["median"], settings["outside_target"], at_least=False)
    return f"{part['network']}: share of dense time outside the classifier {spread(share)}; {told}"


def _errors(settings: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        row
        for part in parts
        if part["result"]["errors"]
        for row in _error_rows(part, part["result"]["errors"])
    ]
    return Table(
        f"Differences from dense float32 with the same draws, S={settings['samples']}",
        (
            "device", "network", "case", "class scores: largest", "rms", "range of the scores",
            "evidence, bits: largest", "rms", "its sampling error", "below half of that",
        ),
        rows,
        ("Class scores are means over the draws of a window.",),
    )  # fmt: skip


def _error_rows(part: Mapping[str, Any], errors: Mapping[str, Any]) -> Iterator[list[str]]:
    for case, found in errors["cases"].items():
        head = [part["device"], part["network"], NAMES[case]]
        if found["refused"]:
            yield [*head, *_refusal(found["refused"], 7)]
            continue
        yield [
            *head,
            number(found["score_largest"]),
            number(found["score_rms"]),
            number(errors["score_range"]),
            number(found["evidence_largest"]),
            number(found["evidence_rms"]),
            number(errors["sampling_error_of_evidence"]),
            "yes" if found["is_below_half_the_sampling_error"] else "no",
        ]


def _maps(settings: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[list[str]] = []
    for part in parts:
        result = part["result"]
        target = settings["networks"][part["network"]]["seconds_per_map"].get(part["device"])
        for case, found in result["cases"].items():
            head = [part["device"], part["network"], NAMES[case]]
            if found["refused"]:
                rows.append([*head, *_refusal(found["refused"], 5)])
                continue
            note = ", went on in float32" if found["went_on_in_float32"] else ""
            floor = result["dense_floor_seconds"] if part["device"] == "cuda" else None
            rows.append(
                [
                    *head,
                    f"{number(found['seconds'])}{note}",
                    number(found["seconds"] / 60),
                    verdict(found["seconds"], target, at_least=False),
                    number(floor),
                    number(result["multiply_accumulates"] / 1e6, 4),
                ]
            )
    return Table(
        "Whole maps, run from the first window to the last",
        (
            "device", "network", "case", "seconds", "minutes", "target, seconds",
            "floor of dense, seconds", "million multiply-accumulates a forward",
        ),
        rows,
        (f"Floor: dense at {settings['flops'] / 1e12:.0f} TFLOP/s.",),
    )  # fmt: skip


def _linear(settings: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Table:
    rows, notes = [], []
    for part in parts:
        found = part["result"]
        for name, result in found.items():
            seconds, gib = result["seconds_per_map"], result["peak_mib"] / 1024
            rows.append(
                [
                    name,
                    " x ".join(map(str, result["shape"])),
                    f"{result['window']} in {result['patch']}",
                    f"{result['weighty_windows']:,} of {result['windows']:,}",
                    spread(seconds),
                    verdict(seconds["median"], result["target"], at_least=False),
                    f"{gib:.2f}",
                    verdict(gib, result["memory_target"], at_least=False),
                ]
            )
        if settings["cohort"]:
            notes.append(_cohort_note(settings["cohort"], found))
    return Table(
        "Logistic regression: the exact map of a subject",
        (
            "volume", "voxels", "k in l", "windows with weights", "seconds, median (range)",
            "target, seconds", "peak memory, GiB", "target, GiB",
        ),
        rows,
        tuple(notes),
    )  # fmt: skip


def _cohort_note(cohort: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Not measured but computed: a cohort is many maps, on two cores two at a time."""
    each = sum(found[name]["seconds_per_map"]["median"] for name in cohort["maps"])
    minutes = each * cohort["subjects"] / 60
    return (
        f"{cohort['subjects']} subjects with a map each of {', '.join(cohort['maps'])}: "
        f"{minutes:.1f} core minutes, {minutes / 2:.1f} minutes on two cores that share the "
        "subjects (computed from the medians; without fitting classifiers and priors)."
    )


def _perturbation(settings: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Table:
    cost = settings["perturbation"] or {}
    rows = []
    for part in parts:
        result = part["result"]
        for name, found in result["cases"].items():
            head = [part["device"], part["network"], PERTURBATION_NAMES[name]]
            if found["refused"]:
                rows.append([*head, *_refusal(found["refused"], 4)])
                continue
            share = found["share_of_bare"]
            target = None if name == "bare" else cost["target"]
            rows.append(
                [
                    *head,
                    spread(found["forwards_per_second"]),
                    spread(share),
                    verdict(share["median"], target),
                    number(found["hours"]),
                ]
            )
    notes = [
        f"{part['network']}, {part['device']}: alone in batches of {part['result']['batch']}; "
        f"{number(part['result']['multiply_accumulates'] / 1e6, 4)} million multiply-accumulates "
        f"a forward; hours for {part['result']['forwards']:,} forwards"
        for part in parts
    ]
    return Table(
        "Region perturbation, forward passes a second",
        ("device", "network", "case", "forwards/s, median (range)", "over the classifier alone",
         "target", "hours for the paper's images"),
        rows,
        notes,
    )  # fmt: skip


def _ablation(parts: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for part in parts:
        for name, found in part["result"]["variants"].items():
            head = [part["device"], part["network"], name]
            if found["refused"]:
                rows.append([*head, *_refusal(found["refused"], 3)])
                continue
            rows.append(
                [
                    *head,
                    spread(found["windows_per_second"]),
                    spread(found["ratio_to_dense"]),
                    spread(found["ratio_to_first"]),
                ]
            )
    return Table(
        "What each optimisation of the incremental engine brings",
        ("device", "network", "variant", "windows/s (range)", "over dense", "over the first line"),
        rows,
    )


def _machines(parts: Sequence[Mapping[str, Any]]) -> Table:
    rows = {tuple(_machine_row(part["machine"])): None for part in parts}
    return Table(
        "Machines",
        ("processor", "instructions", "threads of cores", "GPU", "torch", "captum", "MONAI"),
        [list(row) for row in rows],
    )


def _machine_row(found: Mapping[str, Any]) -> list[str]:
    versions = found["versions"]
    return [
        found["processor"],
        ", ".join(found["instructions"]) or UNKNOWN,
        f"{found['threads']} of {found['cores']}",
        found["gpu"] or UNKNOWN,
        versions["torch"],
        versions["captum"] or UNKNOWN,
        versions["monai"] or UNKNOWN,
    ]


def as_markdown(tables: Iterable[Table]) -> str:
    """Tables below each other, as GitHub shows them."""
    blocks = []
    for table in tables:
        lines = [table.columns, ["---"] * len(table.columns), *table.rows]
        rows = "\n".join(f"| {' | '.join(_cell(c) for c in line)} |" for line in lines)
        notes = "\n".join(f"\n{note}" for note in table.notes)
        blocks.append(f"### {table.title}\n\n{rows}\n{notes}".rstrip())
    return "\n\n".join(blocks) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def as_html(tables: Iterable[Table]) -> str:
    """Tables as a part of a page."""
    return "\n".join(_html_table(table) for table in tables) + "\n"


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    notes = "\n".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    caption = html.escape(table.title)
    return (
        f"<table>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n{notes}"
    )
