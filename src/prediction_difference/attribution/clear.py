"""Class-enhanced attentive response (CLEAR) maps: which class speaks loudest where [kumar2017]."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prediction_difference.errors import DataError

Palette = Literal["hues", "distinct"]
_DISTINCT = (
    (0.247, 0.565, 0.855),
    (1.000, 0.663, 0.055),
    (0.741, 0.122, 0.004),
    (0.580, 0.643, 0.635),
    (0.514, 0.176, 0.714),
    (0.663, 0.420, 0.349),
    (0.906, 0.388, 0.000),
    (0.725, 0.675, 0.439),
    (0.443, 0.459, 0.506),
    (0.573, 0.855, 0.867),
)
"""Ten colours that readers with colour vision deficiencies tell apart [petroff2021]."""


@dataclass(frozen=True)
class ClearMap:
    """Of every pixel, the class that responds most, and how much [kumar2017, eqs. 4 and 5].

    classes: (*spatial) positions among the responses; of equal responses the first one. response:
    (*spatial), that of this class, in the responses' unit.
    """

    classes: np.ndarray
    response: np.ndarray

    def picture(self, colours: np.ndarray) -> np.ndarray:
        """(*spatial, 3) colours in 0 to 1 [kumar2017, eq. 6].

        colours: (K, 3), of the classes. Full colour is the largest response of the map, since the
        paper gives no scale; where no class responds, a pixel is black.
        """
        strength = self.response.clip(min=0)
        largest = strength.max()
        share = strength / largest if largest > 0 else strength
        return np.asarray(colours[self.classes] * share[..., None])

    def areas(self, classes: int) -> np.ndarray:
        """(K,) pixels in which each class responds most, and responds at all."""
        return np.bincount(self.classes[self.response > 0], minlength=classes)

    def sums(self, classes: int) -> np.ndarray:
        """(K,) responses of each class, summed where it responds most."""
        is_there = self.response > 0
        weights = self.response[is_there].astype(np.float64)
        return np.bincount(self.classes[is_there], weights, minlength=classes)


def clear(responses: Sequence[np.ndarray] | np.ndarray) -> ClearMap:
    """The CLEAR map of (K, *spatial) responses of classes, by whatever method [kumar2017].

    Raises:
        DataError: there are fewer than two classes.
    """
    responses = np.asarray(responses)
    if responses.ndim < 2 or len(responses) < 2:
        what = f"have the shape {responses.shape}, where classes are compared"
        raise DataError("responses", what, "give (classes, *spatial), of at least two classes")
    classes = responses.argmax(0)
    return ClearMap(classes, np.take_along_axis(responses, classes[None], 0)[0])


def class_colours(count: int, palette: Palette = "hues") -> np.ndarray:
    """(count, 3) colours in 0 to 1 for as many classes.

    hues: fully saturated, at equal distances round the circle, as the paper has them. distinct:
    colours that can be told apart also with a colour vision deficiency [petroff2021].

    Raises:
        DataError: there are more classes than distinct colours.
    """
    if palette == "distinct":
        if count > len(_DISTINCT):
            what = f"has {len(_DISTINCT)} colours, and there are {count} classes"
            raise DataError("palette: distinct", what, "show fewer classes, or set palette: hues")
        return np.array(_DISTINCT[:count])
    # HSV with S = V = 1: each channel is a clipped triangle of the hue, a third of a turn apart.
    hue = np.arange(count)[:, None] / count
    distance = np.abs((hue - np.array([0, 1 / 3, 2 / 3]) + 0.5) % 1 - 0.5)
    return np.asarray((2 - 6 * distance).clip(0, 1))


def for_and_against(responses: np.ndarray, of: int) -> np.ndarray:
    """(K, *spatial) responses -> (*spatial), of one class where it responds most, else negative.

    Binary heatmaps: positive where the class responds more than all others, and then its response;
    negative where another one does, and then the opposite of the largest of these
    [kumar2017, section 4.2]. 0 where neither responds.
    """
    responses = np.asarray(responses)
    own = responses[of].clip(min=0)
    others = np.delete(responses, of, 0).max(0).clip(min=0)
    return np.where(own >= others, own, -others)
