"""Nodes: what is explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prediction_difference.errors import DataError


@dataclass(frozen=True)
class Node:
    """A class probability, a class score, or a feature map of a layer.

    index: class number, or the feature map's. layer: name of a submodule, for feature maps.
    """

    kind: Literal["probability", "score", "feature_map"]
    index: int
    layer: str | None = None

    @classmethod
    def probability(cls, index: int) -> "Node":
        """Probability of a class; its relevance is a weight of evidence, in bits."""
        return cls("probability", index)

    @classmethod
    def score(cls, index: int) -> "Node":
        """Score of a class before the softmax; its relevance is an activation difference."""
        return cls("score", index)

    @classmethod
    def feature_map(cls, layer: str, unit: int) -> "Node":
        """Mean over a feature map, or a unit, of a layer; relevance is an activation difference.

        Notes: activation difference is linear, so that of the mean is the mean of the units'
        [zintgraf2017, section 3.3].
        """
        return cls("feature_map", unit, layer)

    @property
    def unit(self) -> str:
        """Unit of the node's relevance."""
        return "bits" if self.kind == "probability" else "activation"


def check_nodes(nodes: Sequence[Node], classes: int, maps: Mapping[str, int]) -> None:
    """Refuse nodes that the classifier does not have.

    classes: how many there are. maps: number of feature maps of each layer that was recorded.

    Raises:
        DataError: a number outside its range, or a layer that was not recorded.
    """
    for node in nodes:
        if node.layer is not None and node.layer not in maps:
            raise DataError(
                f"layer {node.layer!r}", "the classifier has no such layer", "correct it"
            )
        what, count = ("classes", classes) if node.layer is None else ("maps", maps[node.layer])
        if not 0 <= node.index < count:
            raise DataError(
                f"node {node.kind} {node.index}",
                f"there are {count} {what}",
                f"choose a number from 0 to {count - 1}",
            )


def node_values(nodes: Sequence[Node], scores: np.ndarray) -> np.ndarray:
    """(..., K) class scores -> (..., nodes) probabilities and scores."""
    from scipy.special import softmax

    probabilities = softmax(scores.astype(np.float64), axis=-1)
    return np.stack(
        [(probabilities if n.kind == "probability" else scores)[..., n.index] for n in nodes],
        axis=-1,
    )
