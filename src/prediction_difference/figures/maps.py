"""A heatmap as figures and the report need it: its values and what they are about."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np

from prediction_difference.attribution.reading import open_attribution, open_maps
from prediction_difference.errors import StoreError
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.style import number
from prediction_difference.files import folder_of
from prediction_difference.stores import read_attributes, rows_of

_LONGEST_CLASS = 28  # letters
_SMALLEST_IN_DIGITS = 0.005
_AT_ONCE = 16
"""As many maps of a store are read together."""


class OfStore:
    """What is drawn of one attribution store, whose attributes say what it is about."""

    attributes: Mapping[str, Any]

    @property
    def explanation(self) -> str:
        """Name of the explanation that made the maps."""
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
    def predicted(self) -> str:
        """Class with the highest score."""
        return str(self.attributes["predicted"])


@dataclass(frozen=True)
class Map(OfStore):
    """Relevance of one image's pixels for one node, or of the places of a removed hidden layer.

    image: (C, *spatial), as a person would look at it. relevance, standard_error: (*spatial), in
    `unit`; the error is NaN where values are exact. node: its class, probability and rank, None
    for nodes of layers.
    attributes: those of the attribution store. node_name: the node in words, for every image. zoom:
    top, left, height and width of the part that this is, in pixels; None for all of the image.
    """

    image: np.ndarray
    relevance: np.ndarray
    standard_error: np.ndarray
    unit: str
    node: Mapping[str, Any]
    node_name: str
    attributes: Mapping[str, Any]
    zoom: tuple[int, int, int, int] | None = None

    @property
    def label(self) -> str | None:
        """Class that the image is said to be of, None where unknown."""
        return None if self.attributes["label"] is None else str(self.attributes["label"])

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
    def classifier(self) -> str:
        """Name of the explained classifier."""
        return str(self.attributes["classifier"])

    @property
    def label_line(self) -> str:
        """The label in words."""
        return "no label" if self.label is None else f"label {_short(self.label)}"

    @property
    def predicted_line(self) -> str:
        """The predicted class and its probability."""
        return f"predicted {_short(self.predicted)}, {probability(self.predicted_probability)}"

    @property
    def label_lines(self) -> list[str]:
        """Label, predicted class, and the explained class where it is another; probabilities."""
        lines = [self.label_line, self.predicted_line]
        if not self.is_of_class:
            lines.append(f"explained {self.explained}")
        elif self.explained != self.predicted:
            lines.append(
                f"explained {_short(self.explained)}, {probability(self.node['probability'])}"
            )
        return lines

    @property
    def value_in_words(self) -> str:
        """The node's value for the image, such as p = 0.63."""
        value = float(self.node["value"])
        if self.node["kind"] == "probability":
            return probability(value)
        what = {"score": "score", "feature_map": "mean"}.get(self.node["kind"], "value")
        return f"{what} {number(value)}"

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
            "classifier": self.classifier,
            "method": self.attributes["method"],
            "class": self.node["class"],
            "node": self.node_name,
            "removed_layer": self.removed_layer,
            "value": rounded(self.node["value"]),
            "probability": rounded(self.node["probability"]),
            "rank": self.node["rank"],
            "unit": self.unit,
            "largest_standard_error": rounded(self.largest_error),
            **({} if self.zoom is None else {"zoom": list(self.zoom)}),
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

    def slices_before(self, axis: int) -> tuple[int, int | None]:
        """Slices before the first one on a stored axis, and all of the file's; None: unknown."""
        geometry = self.attributes.get("geometry")
        return (0, None) if geometry is None else (geometry["first"][axis], geometry["shape"][axis])


def _short(name: str) -> str:
    """The beginning of a class's name, short enough to leave room for its probability."""
    return name if len(name) <= _LONGEST_CLASS else f"{name[: _LONGEST_CLASS - 1]}…"


def probability(p: float) -> str:
    """A probability in words that stay on one line."""
    digits = f"{p:.2f}" if p >= _SMALLEST_IN_DIGITS else number(p, 2)
    return f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{digits}"


def read_maps(path: Path) -> list[Map]:
    """The maps of an attribution store, one for each of its nodes.

    Raises:
        StoreError: nothing complete is there, or it is another kind of store.
    """
    store = open_attribution(path)
    return _maps(store, range(len(store.attrs["nodes"])))


@dataclass(frozen=True)
class MapsOfStore(Sequence[Map]):
    """The maps of an attribution store, which are read whenever they are asked for.

    Of all stores, the one that was opened last stays open, without its maps.
    """

    path: Path

    def __len__(self) -> int:
        return len(read_attributes(self.path)["nodes"])

    def __iter__(self) -> Iterator[Map]:
        for first in range(0, len(self), _AT_ONCE):
            yield from self[first : first + _AT_ONCE]

    @overload
    def __getitem__(self, place: int) -> Map: ...

    @overload
    def __getitem__(self, place: slice) -> list[Map]: ...

    def __getitem__(self, place: int | slice) -> Map | list[Map]:
        file = folder_of(self.path) / "zarr.json"
        store = _opened(self.path, file.stat().st_mtime_ns if file.is_file() else 0)
        chosen = range(len(store.attrs["nodes"]))[place]
        return _maps(store, [chosen])[0] if isinstance(chosen, int) else _maps(store, chosen)


@lru_cache(maxsize=1)
def _opened(path: Path, changed: int) -> Any:
    """An opened store; changed: when it was written, since another may take its place."""
    return open_maps(path)


def _maps(store: Any, nodes: Sequence[int]) -> list[Map]:
    """The maps of some nodes of an opened store."""
    relevance, error = (rows_of(store, name, nodes) for name in ("relevance", "standard_error"))
    some, image = store.isel(node=list(nodes)), store["image"].values
    units, names = some["unit"].values, some["node"].values
    facts, attributes = store.attrs["nodes"], dict(store.attrs)
    return [
        Map(image, relevance[n], error[n], str(units[n]), facts[node], str(names[n]), attributes)
        for n, node in enumerate(nodes)
    ]


def read_map(path: Path, node: int | str, dimensions: int) -> Map:
    """The map of one node, by number from 0 or name, of an image with so many spatial dimensions.

    Raises:
        StoreError: there is no such store or node, or the image has other dimensions.
    """
    store = open_maps(path)
    (one,) = _maps(store, [_number_of_node(path, node, [str(n) for n in store["node"].values])])
    _check_dimensions(path, one, dimensions)
    return one


def _number_of_node(path: Path, node: int | str, names: Sequence[str]) -> int:
    if isinstance(node, str):
        if node not in names:
            few = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise StoreError(path, f"has no node {node!r}", f"its nodes are {few}")
        return names.index(node)
    if node >= len(names):
        what = f"has {len(names)} node(s), not node {node}"
        raise StoreError(path, what, "lower the figure's node")
    return node


def read_layers(path: Path) -> dict[str, list[Map]]:
    """The maps (y, x) of every layer whose feature maps are explained, in the order of the store.

    Raises:
        StoreError: there is no such store, it has no feature maps, or other dimensions.
    """
    store = open_attribution(path)
    nodes: dict[str, list[int]] = {}
    for place, node in enumerate(store.attrs["nodes"]):
        if node["kind"] == "feature_map":
            nodes.setdefault(str(node["layer"]), []).append(place)
    if not nodes:
        raise StoreError(
            path,
            "explains no feature maps",
            "add nodes such as {layer: <name>, maps: all} to its explanation",
        )
    layers = {layer: _maps(store, some) for layer, some in nodes.items()}
    _check_dimensions(path, next(iter(layers.values()))[0], 2)
    return layers


def _check_dimensions(path: Path, one: Map, dimensions: int) -> None:
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


def zoomed(one: Map, zoom: tuple[int, int, int, int]) -> Map:
    """A part of a 2-D map and its image: its top, left, height and width in pixels.

    Raises:
        StoreError: it lies outside.
    """
    top, left, height, width = zoom
    sides = one.relevance.shape
    if top + height > sides[0] or left + width > sides[1]:
        what = f"has maps of {sides[0]} x {sides[1]} pixels, and the zoom {list(zoom)} leaves them"
        raise StoreError(f"explanation {one.explanation}", what, "correct the figure's zoom")
    part = (..., slice(top, top + height), slice(left, left + width))
    return dataclasses.replace(
        one,
        image=one.image[part],
        relevance=one.relevance[part],
        standard_error=one.standard_error[part],
        zoom=zoom,
    )
