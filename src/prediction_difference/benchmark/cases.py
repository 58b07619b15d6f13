"""The cases: ways to evaluate windows, each ready to be timed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference
from prediction_difference.benchmark import others
from prediction_difference.benchmark.others import Run
from prediction_difference.benchmark.settings import CaseName
from prediction_difference.benchmark.subject import (
    Share,
    Subject,
    share_of_rows,
    share_of_windows,
)
from prediction_difference.benchmark.timing import summary, timed
from prediction_difference.errors import PredictionDifferenceError
from prediction_difference.progress import say

REFUSALS = (PredictionDifferenceError, ImportError, RuntimeError, NotImplementedError)
"""What a case that cannot be measured here raises; the others go on without it."""

_ENGINES: Mapping[str, tuple[str, str]] = {
    "dense": ("dense", "float32"),
    "dense-bfloat16": ("dense", "bfloat16"),
    "incremental": ("incremental", "float32"),
    "incremental-bfloat16": ("incremental", "bfloat16"),
}
_OTHERS: Mapping[str, Callable[..., Run]] = {
    "captum": others.captum,
    "monai": others.monai,
    "published": others.published,
    "bare": others.bare,
}
_SWEPT = ("dense", "dense-bfloat16", "captum", "monai")
_SHARE_OF_SWEEP = 0.1
"""Seconds of a measurement in the sweep, as a part of those in a round."""


@dataclass(frozen=True)
class Case:
    """A way to evaluate windows. batch: images in a forward pass, None where it chooses itself."""

    name: str
    run: Run
    batch: int | None = None
    is_by_rows: bool = False
    """Whether cost depends on the place: then whole rows are measured."""

    def share(self, subject: Subject, windows: float, turn: int) -> Share:
        """About so many windows: whole rows, or whole batches."""
        if self.is_by_rows:
            rows = round(windows / math.prod(subject.grid.shape[1:]))
            return share_of_rows(subject, min(max(rows, 1), subject.grid.shape[0]), turn)
        step = _windows_of_batch(self.batch, subject.samples)
        return share_of_windows(subject, step * max(1, round(windows / step)), turn)


def _windows_of_batch(batch: int | None, samples: int) -> int:
    """The smallest number of windows whose samples fill whole batches."""
    return 1 if batch is None else batch // math.gcd(batch, samples)


def is_own(case: CaseName) -> bool:
    """Whether an engine of this package does it."""
    return case in _ENGINES


def analysis_of(
    subject: Subject, case: CaseName, batch: int | None = None, stride: int = 1
) -> PredictionDifference:
    """Prediction difference analysis as one of this package's cases does it."""
    engine, precision = _ENGINES[case]
    return subject.analysis(engine, precision, batch, stride)


def make_case(
    subject: Subject, name: CaseName, batch: int | None = None, nodes: tuple[Node, ...] = ()
) -> Case:
    """A case that is ready to run; without nodes, for the predicted class's probability.

    Raises:
        PredictionDifferenceError, ImportError: it cannot be measured here.
    """
    if name in _OTHERS:
        return Case(name, _OTHERS[name](subject, batch), batch)
    analysis = analysis_of(subject, name, batch)
    target = subject.target(analysis.prepare(subject.image), nodes)

    def run(share: Share) -> int:
        for row in share.rows:
            analysis.row(target, int(row))
        if len(share.corners):
            analysis.windows(target, share.corners)
        return share.windows(subject.grid)

    return Case(name, run, batch, is_by_rows=_ENGINES[name][0] == "incremental")


@dataclass(frozen=True)
class Prepared:
    """Cases that can be measured, why others cannot, and windows a second by batch size."""

    cases: Sequence[Case]
    refused: Mapping[str, str]
    sweeps: Mapping[str, Mapping[int, float]]


def prepare_cases(
    subject: Subject,
    names: Sequence[CaseName],
    batches: Sequence[int],
    seconds: float,
    repeats: int,
) -> Prepared:
    """Every case at its best batch size; bare runs on the batches of dense.

    seconds: of a case in a round, about.
    """
    cases: dict[str, Case] = {}
    refused: dict[str, str] = {}
    sweeps: dict[str, dict[int, float]] = {}
    for name in sorted(names, key=lambda n: n == "bare"):
        say(f"preparing {name}")
        try:
            if name in _SWEPT:
                cases[name], sweeps[name] = _at_best_batch(
                    subject, name, batches, seconds * _SHARE_OF_SWEEP, repeats
                )
                continue
            batch = _batch_of_bare(cases, batches) if name == "bare" else None
            cases[name] = make_case(subject, name, batch)
            cases[name].run(cases[name].share(subject, 0, 0))
        except REFUSALS as error:
            refused[name] = " ".join(str(error).split())
            say(f"{name} is not measured: {refused[name]}")
    return Prepared([cases[n] for n in names if n in cases], refused, sweeps)


def _batch_of_bare(cases: Mapping[str, Case], batches: Sequence[int]) -> int:
    dense = cases.get("dense")
    return dense.batch if dense and dense.batch else batches[0]


def _at_best_batch(
    subject: Subject, name: CaseName, batches: Sequence[int], seconds: float, repeats: int
) -> tuple[Case, dict[int, float]]:
    """The case at the batch size with the most windows a second, batch sizes taken in turn."""
    cases = [make_case(subject, name, batch) for batch in batches]
    rates = [_first_rate(subject, case) for case in cases]
    measured: list[list[float]] = [[] for _ in cases]
    for turn in range(repeats):
        for number, case in enumerate(cases):
            share = case.share(subject, rates[number] * seconds, turn)
            measured[number].append(rate(subject, case, share))
    medians = [summary(values)["median"] for values in measured]
    best = max(range(len(cases)), key=lambda number: medians[number])
    return cases[best], dict(zip(batches, medians, strict=True))


def _first_rate(subject: Subject, case: Case) -> float:
    """Windows a second of the smallest share, after a first run that only warms up."""
    share = case.share(subject, 0, 0)
    case.run(share)
    return rate(subject, case, share)


def rate(subject: Subject, case: Case, share: Share) -> float:
    """Windows a second of one run of a share."""
    done = 0

    def work() -> None:
        nonlocal done
        done = case.run(share)

    seconds = timed(work, subject.device)
    return done / seconds
