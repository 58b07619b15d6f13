"""The plan of a configuration: what it will cost, and how large its jobs should be."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prediction_difference.costs import Work
from prediction_difference.workload.speeds import Speed, Speeds

START = 12.0
"""Seconds in which a job is started: imports, dataset, classifier, prior."""
SHARE_OF_START = 0.05
"""What the start may at most be of a job."""
LONGEST = 3600.0
"""Seconds that a job should at most take, so that little is lost with it."""


@dataclass(frozen=True)
class Step:
    """Work and what it costs.

    speed: None where nothing tells. seconds: of all images together, without starting jobs.
    """

    work: Work
    speed: Speed | None

    @property
    def seconds_of_image(self) -> float | None:
        if self.speed is None or self.work.forwards is None:
            return None
        return self.speed.seconds * self.work.forwards

    @property
    def seconds(self) -> float | None:
        each = self.seconds_of_image
        return None if each is None else each * self.work.images

    @property
    def disk(self) -> int | None:
        """Bytes of arrays before compression, working stores and published ones."""
        return None if self.work.bytes is None else self.work.bytes * self.work.images


@dataclass(frozen=True)
class Advice:
    """How many images a job should take, and for large ones how many jobs an image."""

    images_per_job: int
    chunks: int


def plan(works: Iterable[Work], speeds: Speeds) -> list[Step]:
    """The cost of every work."""
    return [Step(work, speeds.of(work)) for work in works]


def advise(step: Step, start: float = START, longest: float = LONGEST) -> Advice | None:
    """Chunks so that a job takes at most `longest`, images so that starting it is at most 5 %.

    With t seconds an image: chunks = t / longest and images = 19 start / (t / chunks), both rounded
    up; at most all images. None where the cost is unknown.
    """
    each = step.seconds_of_image
    if each is None or step.work.images_per_job is None:
        return None
    needed = start * (1 - SHARE_OF_START) / SHARE_OF_START
    is_divisible = step.work.kind == "windows"
    chunks = max(1, math.ceil(each / longest)) if is_divisible else 1
    images = step.work.images if each == 0 else math.ceil(needed / (each / chunks))
    return Advice(min(max(images, 1), step.work.images), chunks)


def share_of_start(step: Step, start: float = START) -> float | None:
    """What the start is of a job as it is configured."""
    each = step.seconds_of_image
    if each is None or step.work.images_per_job is None:
        return None
    images = min(step.work.images_per_job, step.work.images)
    return start / (start + each * step.work.share * images)


@dataclass(frozen=True)
class Total:
    """Sums over steps. unknown: names of those that are not in them."""

    forwards: int
    jobs: int
    seconds: float
    disk: int
    unknown: tuple[str, ...]


def total(steps: Sequence[Step], start: float = START) -> Total:
    """What all steps cost together; seconds with the start of every job."""
    known = [step for step in steps if step.seconds is not None]
    jobs = sum(step.work.jobs for step in steps)
    return Total(
        sum(step.work.total_forwards or 0 for step in steps),
        jobs,
        sum(step.seconds or 0.0 for step in known) + start * jobs,
        sum(step.disk or 0 for step in steps),
        tuple(step.work.name for step in steps if step.seconds is None),
    )
