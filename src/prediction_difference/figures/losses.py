"""What classes lose while regions of their images are removed, as numbers to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prediction_difference.attribution.method import is_baseline
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.perturbation import aopc
from prediction_difference.figures import style
from prediction_difference.figures.drawing import rounded
from prediction_difference.intervals import interval_of_mean


@dataclass(frozen=True)
class Losses:
    """What f lost of one explanation's images, mean over repeats: (images, steps + 1).

    images: their slots. f is the score or the probability of the explained class.
    """

    explanation: str
    method: str
    images: tuple[str, ...]
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(steps + 1,) over images."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """(steps + 1,) ends of an interval of the mean; NaN for a single image."""
        return interval_of_mean(self.values)

    @property
    def areas(self) -> np.ndarray:
        """(images,) AOPC [samek2017, eq. 12]."""
        return aopc(-self.values)

    @property
    def area(self) -> float:
        """Mean AOPC over images."""
        return float(self.areas.mean())

    @property
    def area_interval(self) -> tuple[float, float]:
        """Ends of an interval of the mean AOPC; NaN for a single image."""
        low, high = interval_of_mean(self.areas)
        return float(low), float(high)

    def above(self, baseline: "Losses") -> "Losses":
        """Difference from a baseline, image by image.

        Raises:
            StoreError: the baseline lacks an image.
        """
        missing = sorted(set(self.images) - set(baseline.images))
        if missing:
            raise StoreError(
                f"explanation {baseline.explanation}",
                f"was not measured on {', '.join(missing)}, but {self.explanation} was",
                "make the evaluation again with the same images for both",
            )
        rows = [baseline.images.index(image) for image in self.images]
        difference = self.values - baseline.values[rows]
        return Losses(self.explanation, self.method, self.images, difference)

    @property
    def numbers(self) -> dict[str, Any]:
        """What is drawn, JSON-like."""
        low, high = self.band
        return {
            "explanation": self.explanation,
            "method": self.method,
            "images": len(self.images),
            "mean": rounded(self.mean),
            "low": rounded(low),
            "high": rounded(high),
            "aopc": rounded(self.area),
            "aopc_interval": rounded(self.area_interval),
        }

    @property
    def area_in_words(self) -> str:
        """The mean AOPC and its interval, if it has one."""
        low, high = self.area_interval
        if not np.isfinite(low):
            return style.number(self.area)
        return f"{style.number(self.area)} ({style.number(low)} to {style.number(high)})"


def losses(table: Any, output: str) -> list[Losses]:
    """A tidy evaluation table -> f(x) - f(x^(k)) of each explanation; the largest AOPC first.

    output: score or probability, what f is.
    """
    found = []
    for name, part in table.groupby("explanation", sort=False):
        values = part.groupby(["image", "step"])[output].mean().unstack("step").sort_index(axis=1)
        lost = values.to_numpy()[:, :1] - values.to_numpy()
        method = str(part["method"].iloc[0])
        found.append(Losses(str(name), method, tuple(map(str, values.index)), lost))
    return sorted(found, key=lambda one: -one.area)


def random_order(curves: Sequence[Losses]) -> Losses | None:
    """The random order among explanations, if there is one."""
    return next((one for one in curves if is_baseline(one.method)), None)
