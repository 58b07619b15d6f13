"""Nodes: what is explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prediction_difference.choices import Natural, NodeKind
from prediction_difference.errors import DataError
from prediction_difference.options import checked

ONE_OUTPUT = "the classifier has one output, whose probability is 1 whatever the image shows"
REMEDY_OF_ONE_OUTPUT = "explain its score (output: score), or give the network two outputs"


@checked
@dataclass(frozen=True)
class Node:
    """A class probability, a class score, or a feature map or a single unit of a layer.

    index: number of the class, or of the feature map. layer: name of a submodule, None for
    classes. position: of a unit in its map; empty where the layer has no maps.

    Raises:
        DataError: a number is negative or no whole number, or the kind is unknown.
    """

    kind: NodeKind
    index: Natural
    layer: str | None = None
    position: tuple[Natural, ...] = ()

    @classmethod
    def probability(cls, index: Natural) -> "Node":
        """Probability of a class; its relevance is a weight of evidence, in bits."""
        return cls("probability", index)

    @classmethod
    def score(cls, index: Natural) -> "Node":
        """Score of a class before the softmax; its relevance is an activation difference."""
        return cls("score", index)

    @classmethod
    @checked
    def feature_map(cls, layer: str, unit: Natural) -> "Node":
        """Mean over a feature map, or a unit, of a layer; relevance is an activation difference.

        Notes: activation difference is linear, so that of the mean is the mean of the units'
        [zintgraf2017, section 3.3]. Of a layer that is used several times, the last output counts.
        """
        return cls("feature_map", unit, layer)

    @classmethod
    @checked
    def unit(cls, layer: str, unit: Natural, position: Sequence[Natural] = ()) -> "Node":
        """One unit of a layer: a place in map number `unit`, or unit `unit` of a vector."""
        return cls("unit", unit, layer, tuple(position))

    @property
    def relevance_unit(self) -> str:
        """Unit of the node's relevance."""
        return "bits" if self.kind == "probability" else "activation"

    @property
    def title(self) -> str:
        """A node of a layer in words."""
        if self.kind == "feature_map":
            return f"map {self.index} of {self.layer}"
        place = f" at {', '.join(map(str, self.position))}" if self.position else ""
        return f"unit {self.index}{place} of {self.layer}"


def check_nodes(nodes: Sequence[Node], classes: int, layers: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse nodes that the classifier does not have.

    classes: how many there are. layers: the output's shape (units, *spatial) of known layers.

    Raises:
        DataError: a number outside its range, the probability of an only class, an unknown layer,
            or a position with other dimensions than the layer's maps.
    """
    for node in nodes:
        if node.layer is None:
            where = f"node {node.kind} {node.index}"
            _check_number(where, node.index, classes, "classes")
            if node.kind == "probability" and classes == 1:
                raise DataError(where, ONE_OUTPUT, REMEDY_OF_ONE_OUTPUT)
        elif node.layer in layers:
            _check_place(node, layers[node.layer])
        else:
            raise DataError(
                f"layer {node.layer!r}", "the classifier has no such layer", "name a class"
            )


def _check_place(node: Node, shape: tuple[int, ...]) -> None:
    units, *spatial = shape
    where = f"node {node.title}"
    _check_number(where, node.index, units, "maps" if spatial else "units")
    if node.kind != "unit":
        return
    if len(node.position) != len(spatial):
        raise DataError(
            where,
            f"its position has {len(node.position)} numbers, the layer has {len(spatial)} "
            "spatial axes",
            f"give {len(spatial)} numbers",
        )
    for place, side in zip(node.position, spatial, strict=True):
        _check_number(where, place, side, "places along an axis")


def _check_number(where: str, number: int, count: int, what: str) -> None:
    if not 0 <= number < count:
        raise DataError(
            where, f"there are {count} {what}", f"choose a number from 0 to {count - 1}"
        )


def node_values(nodes: Sequence[Node], scores: np.ndarray) -> np.ndarray:
    """(..., K) class scores -> (..., nodes) probabilities and scores."""
    from scipy.special import softmax

    probabilities = softmax(scores.astype(np.float64), axis=-1)
    return np.stack(
        [(probabilities if n.kind == "probability" else scores)[..., n.index] for n in nodes],
        axis=-1,
    )
