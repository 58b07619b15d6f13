"""A heatmap as figures and the report need it: its values and what they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.publishing import open_attribution
from prediction_difference.errors import StoreError
from prediction_difference.figures.drawing import rounded

_LONGEST_CLASS = 28  # letters


@dataclass(frozen=True)
class Map:
    """Relevance of one image's pixels for one node, or of the places of a removed hidden layer.

    image: (C, *spatial), as a person would look at it. relevance, standard_error: (*spatial), in
    `unit`; the error is NaN where values are exact. node: its class, probability and rank, None
    for nodes of layers.
    attributes: those of the attribution store. node_name: the node in words, for every image.
    """

    image: np.ndarray
    relevance: np.ndarray
    standard_error: np.ndarray
    unit: str
    node: Mapping[str, Any]
    node_name: str
    attributes: Mapping[str, Any]

    @property
    def explanation(self) -> str:
        """Name of the explanation that made the map."""
        return str(self.attributes["explanation"])

    @property
    def image_name(self) -> str:
        """Name of the image in its dataset."""
        return str(self.attributes["image_name"])

    @property
    def slot(self) -> str:
        """What the image was chosen as, such as correct-1."""
        return str(self.attributes["slot"])

    @property
    def label(self) -> str | None:
        """Class that the image is said to be of, None where unknown."""
        return None if self.attributes["label"] is None else str(self.attributes["label"])

    @property
    def predicted(self) -> str:
        """Class with the highest score."""
        return str(self.attributes["predicted"])

    @property
    def is_of_class(self) -> bool:
        """Whether a class is explained, and not a map or a unit of a layer."""
        return self.node["class"] is not None

    @property
    def explained(self) -> str:
        """Class that the node belongs to, or the node of a layer in words."""
        return str(self.node["class"]) if self.is_of_class else self.node_name

    @property
    def removed_layer(self) -> str | None:
        """The hidden layer that `relevance` is about; None: it is about the image's pixels."""
        removed = self.attributes.get("removed")
        return None if removed is None else str(removed["layer"])

    @property
    def predicted_probability(self) -> float:
        """Probability of the class with the highest score."""
        return float(self.attributes["predicted_probability"])

    @property
    def is_misclassified(self) -> bool:
        """Whether label and prediction differ; False without a label."""
        return self.label is not None and self.label != self.predicted

    @property
    def label_lines(self) -> list[str]:
        """Label, predicted class, and the explained class where it is another; probabilities."""
        lines = ["no label" if self.label is None else f"label {_short(self.label)}"]
        lines.append(
            f"predicted {_short(self.predicted)}, {probability(self.predicted_probability)}"
        )
        if not self.is_of_class:
            lines.append(f"explained {self.explained}")
        elif self.explained != self.predicted:
            lines.append(
                f"explained {_short(self.explained)}, {probability(self.node['probability'])}"
            )
        return lines

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the image and of the node, JSON-like."""
        return {
            "slot": self.slot,
            "image": self.image_name,
            "label": self.label,
            "predicted": self.predicted,
            "misclassified": self.is_misclassified,
            "explanation": self.explanation,
            "method": self.attributes["method"],
            "class": self.node["class"],
            "node": self.node_name,
            "removed_layer": self.removed_layer,
            "probability": rounded(self.node["probability"]),
            "unit": self.unit,
            "largest_standard_error": rounded(self.largest_error),
        }

    @property
    def is_signed(self) -> bool:
        """Whether negative values mean evidence against the node."""
        return bool(self.attributes["signed"])

    @cached_property
    def largest(self) -> float:
        """Largest absolute relevance, in `unit`."""
        return float(np.abs(self.relevance).max())

    @cached_property
    def largest_error(self) -> float | None:
        """Largest standard error, in `unit`; None where all values are exact."""
        known = self.standard_error[~np.isnan(self.standard_error)]
        return float(known.max()) if known.size else None

    @property
    def affine(self) -> np.ndarray | None:
        """(4, 4) voxel to millimetre of a volume, None for photographs."""
        affine = self.attributes.get("affine")
        return None if affine is None else np.array(affine, dtype=np.float64)


def _short(name: str) -> str:
    """The beginning of a class's name, short enough to leave room for its probability."""
    return name if len(name) <= _LONGEST_CLASS else f"{name[: _LONGEST_CLASS - 1]}…"


def probability(p: float) -> str:
    """A probability in words that stay on one line."""
    return f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{p:.2f}"


def read_maps(path: Path) -> list[Map]:
    """The maps of an attribution store, one for each of its nodes.

    Raises:
        StoreError: nothing complete is there, or it is another kind of store.
    """
    store = open_attribution(path)
    image = store["image"].values
    relevance, error = store["relevance"].values, store["standard_error"].values
    units, names = store["unit"].values, store["node"].values
    return [
        Map(image, relevance[n], error[n], str(units[n]), node, str(names[n]), dict(store.attrs))
        for n, node in enumerate(store.attrs["nodes"])
    ]


def read_map(path: Path, node: int, dimensions: int) -> Map:
    """The map of one node (counted from 0) of an image with so many spatial dimensions.

    Raises:
        StoreError: there is no such store or node, or the image has other dimensions.
    """
    maps = read_maps(path)
    if node >= len(maps):
        raise StoreError(
            path, f"has {len(maps)} node(s), not node {node}", "lower the figure's node"
        )
    one = maps[node]
    if one.removed_layer is not None and one.relevance.ndim != one.image.ndim - 1:
        raise StoreError(
            path,
            f"holds relevance of units of layer {one.removed_layer!r}, which no figure shows",
            "read the store, or remove windows of the layer",
        )
    if one.relevance.ndim != dimensions:
        kinds = {2: "kind: heatmaps", 3: "kind: volume-slices"}
        raise StoreError(
            path,
            f"holds a map with {one.relevance.ndim} dimensions, not {dimensions}",
            f"draw it with {kinds.get(one.relevance.ndim, 'another kind of figure')}",
        )
    return one
