"""Seconds, and what is said of several of them."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from prediction_difference.figures.drawing import rounded


def timed(work: Callable[[], object], device: str) -> float:
    """Seconds that work takes, until the device has finished it."""
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Median, smallest and largest value, and all of them."""
    array = np.asarray(values, dtype=np.float64)
    return {
        "median": rounded(np.median(array)),
        "min": rounded(array.min()),
        "max": rounded(array.max()),
        "all": rounded(array),
    }
