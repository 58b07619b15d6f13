"""A claim as numbers, and whether it held."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prediction_difference.intervals import interval_of_share, students_interval

Opened = Mapping[str, Any]
"""What a claim is about, by name: lists of opened attribution stores, an evaluation's table, or a
classifier's predictions."""


@dataclass(frozen=True)
class Measured:
    """A claim as numbers.

    values: (images,) in `unit`. limit: what their mean has to be above, below or equal to.
    is_share: whether every value is 0 or 1, so that the mean is a share of the images.
    """

    values: np.ndarray
    quantity: str
    unit: str
    limit: float = 0.0
    sense: Literal["above", "below", "equal"] = "above"
    is_share: bool = False

    @property
    def required(self) -> str:
        """What the mean has to be, in words."""
        return f"{'equal to' if self.sense == 'equal' else self.sense} {self.limit:g}"


@dataclass(frozen=True)
class Finding:
    """Whether a claim held: None where that is undecided.

    mean, deviation: over the images. interval: of the mean, at the level of the claims; None for
    a single image.
    """

    measured: Measured
    mean: float
    deviation: float | None
    interval: tuple[float, float] | None
    held: bool | None


def find(measured: Measured, confidence: float) -> Finding:
    """Mean over the images, its interval, and on which side of the limit that lies.

    The interval is Student's; of a share, Wilson's, which also holds where all images are alike. A
    mean that has to be equal to the limit is if the interval holds it, as wide ones do easily.
    """
    values = measured.values
    mean = float(values.mean())
    if len(values) < 2:
        return Finding(measured, mean, None, None, None)
    low, high = _interval(measured, confidence)
    is_above, is_below = low > measured.limit, high < measured.limit
    right, wrong = {
        "above": (is_above, is_below),
        "below": (is_below, is_above),
        "equal": (not (is_above or is_below), is_above or is_below),
    }[measured.sense]
    held = True if right else False if wrong else None
    return Finding(measured, mean, float(values.std(ddof=1)), (low, high), held)


def _interval(measured: Measured, confidence: float) -> tuple[float, float]:
    values = measured.values
    if measured.is_share:
        return interval_of_share(int(values.sum()), len(values), confidence)
    return students_interval(values, confidence)
