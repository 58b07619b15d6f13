"""What a run did, when it ends: what ran, what was there, what failed and why."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from prediction_difference.run import Config
from prediction_difference.workload.jobs import Job, jobs_of
from prediction_difference.workload.progress import duration

_LINES = 5
"""Last lines of a failed job's log."""
_FAILURES = 10


def summary(config: Config, results: Path, started: float, ended: float) -> str:
    """A few lines for the person who waited.

    started, ended: seconds of the clock. A job failed if it wrote its log since and left no result.
    """
    jobs = jobs_of(config, results)
    ends = {job: job.ended() for job in jobs}
    # Some file systems keep whole seconds.
    ran = [job for job, end in ends.items() if end is not None and end >= started - 1]
    there = sum(end is not None for end in ends.values())
    lines = [
        f"Ran {_counted(ran)} in {duration(ended - started)}; "
        f"{there - len(ran):,} results were there before, {len(jobs) - there:,} are missing."
    ]
    failed = [job for job, end in ends.items() if end is None and _wrote_log(job, started)]
    for job in failed[:_FAILURES]:
        lines += [f"Failed or was stopped: {job.group} ({job.log})", *_last_lines(job.log)]
    if len(failed) > _FAILURES:
        lines.append(f"And {len(failed) - _FAILURES:,} more.")
    if ends[jobs[-1]] is not None:
        lines.append(f"The report is {jobs[-1].file}")
    return "\n".join(lines)


def _counted(jobs: Sequence[Job]) -> str:
    if not jobs:
        return "no job"
    kinds = Counter(job.group.split()[0] for job in jobs)
    total = f"{len(jobs):,} {'job' if len(jobs) == 1 else 'jobs'}"
    return f"{total} ({', '.join(f'{kind} {n:,}' for kind, n in kinds.items())})"


def _wrote_log(job: Job, started: float) -> bool:
    try:
        return job.log.stat().st_mtime >= started - 1
    except OSError:
        return False


def _last_lines(log: Path) -> list[str]:
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return [f"    {line}" for line in text.splitlines()[-_LINES:]] or ["    (its log is empty)"]
