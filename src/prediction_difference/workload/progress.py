"""How far a run is, and how long the rest will take."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from prediction_difference.workload.jobs import Job


@dataclass(frozen=True)
class Group:
    """Jobs of one rule. seconds: of a finished one, in the mean; None before any is."""

    name: str
    done: int
    jobs: int
    seconds: float | None

    @property
    def left(self) -> float | None:
        """Seconds of the jobs that are not done, one after the other; None if unknown."""
        if self.done == self.jobs:
            return 0.0
        return None if self.seconds is None else self.seconds * (self.jobs - self.done)


@dataclass(frozen=True)
class Progress:
    """groups: in the order of the stages. at_once: jobs that ran at the same time, in the mean."""

    groups: Sequence[Group]
    at_once: float

    @property
    def left(self) -> float:
        """Seconds that the jobs take for which that is known."""
        return sum(group.left or 0.0 for group in self.groups) / self.at_once

    @property
    def unknown(self) -> int:
        """Jobs of groups of which none is finished yet."""
        return sum(g.jobs - g.done for g in self.groups if g.left is None)


def progress(jobs: Sequence[Job]) -> Progress:
    """How far the jobs are, by what they left."""
    by_group: dict[str, list[Job]] = {}
    for job in jobs:
        by_group.setdefault(job.group, []).append(job)
    groups, spans = [], []
    for name, some in by_group.items():
        ends = [job.ended() for job in some]
        took = [(end, job.seconds()) for job, end in zip(some, ends, strict=True) if end]
        measured = [seconds for _, seconds in took if seconds is not None]
        spans += [(end - seconds, end) for end, seconds in took if seconds is not None]
        groups.append(Group(name, len(took), len(some), mean(measured) if measured else None))
    return Progress(groups, _at_once(spans))


def _at_once(spans: Sequence[tuple[float, float]]) -> float:
    """Mean number of spans at the times when there is one."""
    covered, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return max(1.0, sum(end - start for start, end in spans) / covered) if covered else 1.0


def progress_text(found: Progress) -> str:
    """A line for every group that is not done, and one for the whole."""
    lines = [
        f"{group.name}: {group.done:,} of {group.jobs:,}"
        + ("" if group.left is None else f", {duration(group.left / found.at_once)} left")
        for group in found.groups
        if group.done < group.jobs
    ]
    done, jobs = (sum(getattr(g, key) for g in found.groups) for key in ("done", "jobs"))
    if done == jobs:
        return f"All {jobs:,} jobs are done.\n"
    rest = f"{done:,} of {jobs:,} jobs are done"
    if found.unknown < jobs - done:
        end = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + found.left))
        rest += f"; about {duration(found.left)} left, until {end}"
        rest += f", with {found.at_once:.1f} jobs at once as so far"
    if found.unknown:
        rest += f"; {found.unknown:,} jobs are of kinds of which none is finished yet"
    return "\n".join([*lines, f"{rest}."]) + "\n"


def duration(seconds: float) -> str:
    """Seconds in the unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
