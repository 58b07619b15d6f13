"""Class-enhanced attentive response (CLEAR) maps: which class speaks loudest where [kumar2017]."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prediction_difference.choices import Count, Palette, Percentile, Share
from prediction_difference.errors import DataError, StoreError
from prediction_difference.images import check_numbers
from prediction_difference.options import checked

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
MOST_DISTINCT = len(_DISTINCT)
FULL_FROM = 0.1
"""Share of a map's largest response from which a pixel has the full colour of palette distinct."""


@dataclass(frozen=True)
class ClassMaps:
    """What classes respond to an image, each once, in the order of their numbers.

    maps: (K, *spatial). names, numbers: of the classes, in the classifier.
    """

    maps: np.ndarray
    names: tuple[str, ...]
    numbers: tuple[int, ...]


def class_maps(store: Any, least: int = 2) -> ClassMaps:
    """The maps of classes that an attribution store holds.

    Raises:
        StoreError: there are fewer than `least` classes, some nodes are none, probabilities and
            scores are mixed, or places are those of a hidden layer.
    """
    nodes = store.attrs["nodes"]
    where = f"{store.attrs['explanation']}, {store.attrs['slot']}"
    remedy = "explain nodes {classes: all}"
    if any(node["class"] is None for node in nodes):
        raise StoreError(where, "explains nodes of layers, where classes are compared", remedy)
    if len({node["kind"] for node in nodes}) > 1:
        what = "explains probabilities and scores, which cannot be compared"
        raise StoreError(where, what, "give all nodes the same output")
    if store["relevance"].shape[1:] != store["image"].shape[1:]:
        raise StoreError(where, "has maps of a hidden layer's places", "do not remove a layer")
    position = {node["unit"]: place for place, node in enumerate(nodes)}
    numbers = sorted(position)
    if len(numbers) < least:
        raise StoreError(where, f"explains {len(numbers)} class, {least} are needed", remedy)
    places = [position[number] for number in numbers]
    names = tuple(str(nodes[place]["class"]) for place in places)
    return ClassMaps(store["relevance"].values[places], names, tuple(numbers))


@dataclass(frozen=True)
class ClearMap:
    """Of every pixel, the class that responds most, and how much [kumar2017, eqs. 4 and 5].

    classes: (*spatial) positions among the responses; of equal responses the first one. response:
    (*spatial), that of this class, in the responses' unit.
    """

    classes: np.ndarray
    response: np.ndarray

    @checked
    def strength(self, full_at: Percentile = 100) -> np.ndarray:
        """(*spatial) in 0 to 1: the response by that of full strength, as the paper has no scale.

        full_at: percentile of the map's positive responses that has full strength; 100 is the
        largest, beside which those of large photographs are dark.
        """
        positive = self.response.clip(min=0)
        there = positive[positive > 0]
        if not there.size:
            return np.asarray(positive)
        return np.asarray((positive / np.percentile(there, full_at)).clip(max=1))

    @checked
    def picture(
        self, colours: np.ndarray, palette: Palette = "hues", full_at: Percentile = 100
    ) -> np.ndarray:
        """(*spatial, 3) colours in 0 to 1, black where no class responds [kumar2017, eq. 6].

        colours: (K, 3), of the classes. palette: with hues, brightness is the strength; with
        distinct, where darker colours could be taken for others, pixels of at least FULL_FROM have
        their full colour and all others are black.
        """
        share = self.strength(full_at)
        share = (share >= FULL_FROM).astype(share.dtype) if palette == "distinct" else share
        return np.asarray(colours[self.classes] * share[..., None])

    @checked
    def areas(self, classes: Count, least: Share = 0.0) -> np.ndarray:
        """(K,) pixels in which each class responds most, and at all.

        least: share of the map's largest response that these pixels have.
        """
        is_there = (self.response > 0) & (self.strength() >= least)
        return np.bincount(self.classes[is_there], minlength=classes)

    @checked
    def sums(self, classes: Count) -> np.ndarray:
        """(K,) responses of each class, summed where it responds most."""
        is_there = self.response > 0
        weights = self.response[is_there].astype(np.float64)
        return np.bincount(self.classes[is_there], weights, minlength=classes)


@checked
def clear(responses: Sequence[np.ndarray] | np.ndarray) -> ClearMap:
    """The CLEAR map of (K, *spatial) responses of classes, by whatever method [kumar2017].

    Raises:
        DataError: there are fewer than two classes, or responses are NaN or infinite.
    """
    responses = np.asarray(responses)
    check_numbers(responses, "responses")
    if responses.ndim < 2 or len(responses) < 2:
        what = f"have the shape {responses.shape}, where classes are compared"
        raise DataError("responses", what, "give (classes, *spatial), of at least two classes")
    classes = responses.argmax(0)
    return ClearMap(classes, np.take_along_axis(responses, classes[None], 0)[0])


@checked
def class_colours(count: Count, palette: Palette = "hues") -> np.ndarray:
    """(count, 3) colours in 0 to 1 for as many classes.

    hues: fully saturated, at equal distances round the circle, as the paper has them. distinct:
    colours that can be told apart also with a colour vision deficiency [petroff2021].

    Raises:
        DataError: there are more classes than distinct colours.
    """
    if palette == "distinct":
        if count > MOST_DISTINCT:
            what = f"has {MOST_DISTINCT} colours, and there are {count} classes"
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
