"""Things that are measured in turn, and what is said of several values."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.settings import Device
from prediction_difference.errors import PredictionDifferenceError
from prediction_difference.progress import say

if TYPE_CHECKING:
    import pandas as pd

Made = TypeVar("Made")

_REFUSALS = (PredictionDifferenceError, ImportError, RuntimeError, NotImplementedError)
"""What a case that cannot be measured here raises; the others go on without it."""


def timed(work: Callable[[], Made], device: Device) -> tuple[float, Made]:
    """Seconds that work takes, until the device has finished it, and what it returns."""
    _wait(device)
    started = time.perf_counter()
    made = work()
    _wait(device)
    return time.perf_counter() - started, made


def _wait(device: Device) -> None:
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def in_rounds(rates: Mapping[str, Callable[[int], float]], rounds: int) -> "pd.DataFrame":
    """(rounds, cases) rates; the cases take turns, and each round begins with another one.

    rates: each case's, as a function of the round, which counts from 1. Ratios are formed within a
    row, since the speed of a machine drifts.
    """
    import pandas as pd

    names = list(rates)
    found = []
    for turn in range(1, rounds + 1):
        first = turn % max(len(names), 1)
        found.append({name: rates[name](turn) for name in [*names[first:], *names[:first]]})
        told = ", ".join(f"{name} {rate:.3g}" for name, rate in found[-1].items())
        say(f"round {turn} of {rounds}, a second: {told}")
    return pd.DataFrame(found, columns=names)


def summary(values: "pd.Series[float]") -> dict[str, Any]:
    """Median, smallest and largest value, and all of them."""
    return {**values.agg(["median", "min", "max"]), "all": values.to_list()}


def compared(
    rates: "pd.DataFrame", bases: Sequence[str], refused: Mapping[str, Any]
) -> dict[str, Any]:
    """Every case's rate, and how many times as fast as others it is, round by round, JSON-like.

    bases: the names of others, None where they are not there. refused: what the others say.
    """
    found = {
        name: {
            "refused": None,
            "rate": summary(rates[name]),
            **{
                f"over_{to}": summary(rates[name] / rates[to]) if to in rates else None
                for to in bases
            },
        }
        for name in map(str, rates)
    }
    return {**found, **refused}


def tried(works: Mapping[str, Callable[[], Made]]) -> tuple[dict[str, Made], dict[str, Any]]:
    """What could be done of the works, by name, and of the others why not: JSON-like."""
    done: dict[str, Made] = {}
    refused: dict[str, Any] = {}
    for name, work in works.items():
        try:
            done[name] = work()
        except _REFUSALS as error:
            refused[name] = {"refused": " ".join(str(error).split())}
            say(f"{name} is not measured: {refused[name]['refused']}")
    return done, refused


def outcomes(works: Mapping[str, Callable[[], Mapping[str, Any]]]) -> dict[str, Any]:
    """What each of the works found, or why it found nothing, in their order, JSON-like."""
    done, refused = tried(works)
    return {n: {"refused": None, **done[n]} if n in done else refused[n] for n in works}
