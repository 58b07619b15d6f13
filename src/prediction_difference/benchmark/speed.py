"""Windows a second of every case, in turn within each round."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prediction_difference.benchmark.cases import Case, prepare_cases, rate
from prediction_difference.benchmark.settings import BenchmarkSettings
from prediction_difference.benchmark.subject import Subject
from prediction_difference.benchmark.timing import summary, timed
from prediction_difference.figures.drawing import rounded
from prediction_difference.progress import say


def measure_speed(subject: Subject, settings: BenchmarkSettings) -> dict[str, Any]:
    """Windows a second of the cases, JSON-like: each case's rounds, their median and spread.

    Time to sample and to average windows over pixels is in it. `ratio_to_dense` is formed within
    each round, since the speed of a machine drifts.
    """
    batches = settings.batches[subject.device]
    ready = prepare_cases(
        subject, settings.cases, batches, settings.seconds, settings.sweep_repeats
    )
    averaging = averaging_seconds(subject)
    cold, warm = in_rounds(
        subject, ready.cases, settings.rounds, settings.seconds, averaging / subject.windows
    )
    result: dict[str, Any] = {name: {"refused": why} for name, why in ready.refused.items()}
    for case in ready.cases:
        result[case.name] = {
            "refused": None,
            "batch": case.batch,
            "windows_per_second": summary(warm[case.name]),
            "windows_per_second_first": summary(cold[case.name]),
            "ratio_to_dense": ratios(warm, case.name, "dense"),
            "sweep": {str(b): r for b, r in ready.sweeps.get(case.name, {}).items()},
        }
    return {
        "cases": result,
        "averaging_seconds_per_map": rounded(averaging),
        "outside_classifier": _outside(warm),
    }


def averaging_seconds(subject: Subject) -> float:
    """Seconds to average a map's windows, and their errors, over its pixels."""
    scores = np.ones((1, *subject.grid.shape), dtype=np.float32)

    def average() -> None:
        subject.grid.average(scores)
        subject.grid.average_error(scores)

    return float(np.median([timed(average, "cpu") for _ in range(3)]))


def in_rounds(
    subject: Subject, cases: Sequence[Case], rounds: int, seconds: float, averaging: float
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Windows a second of each round: when the share is seen first, and when seen again.

    seconds: of a case in a round, about. averaging: seconds for a window. Only cases by rows are
    run twice: what they set up for the shapes of a row serves a whole map. The others run one
    batch before, since memory that the case before them used may have to be cleared first.
    """
    cold: dict[str, list[float]] = {case.name: [] for case in cases}
    warm: dict[str, list[float]] = {case.name: [] for case in cases}
    rates = {case.name: rate(subject, case, case.share(subject, 0, 0)) for case in cases}
    for turn in range(1, rounds + 1):
        first = turn % len(cases) if cases else 0
        for case in [*cases[first:], *cases[:first]]:
            share = case.share(subject, rates[case.name] * seconds, turn)
            if not case.is_by_rows:
                case.run(case.share(subject, 0, turn))
            found = [rate(subject, case, share) for _ in range(2 if case.is_by_rows else 1)]
            own = averaging if case.name != "bare" else 0.0
            cold[case.name].append(1 / (1 / found[0] + own))
            warm[case.name].append(1 / (1 / found[-1] + own))
        told = ", ".join(f"{name} {values[-1]:.3g}" for name, values in warm.items())
        say(f"round {turn} of {rounds}, windows/s: {told}")
    return cold, warm


def ratios(rates: Mapping[str, list[float]], name: str, base: str) -> dict[str, Any] | None:
    """How many times as fast as another case, round by round; None without that case."""
    if base not in rates:
        return None
    return summary([one / other for one, other in zip(rates[name], rates[base], strict=True)])


def _outside(rates: Mapping[str, list[float]]) -> dict[str, Any] | None:
    """Share of dense time that the bare classifier does not need on the same batches."""
    if "dense" not in rates or "bare" not in rates:
        return None
    pairs = zip(rates["dense"], rates["bare"], strict=True)
    return summary([1 - dense / bare for dense, bare in pairs])
