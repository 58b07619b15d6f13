"""Weights of a linear classifier: the same map for every image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prediction_difference.attribution.method import Method

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class LinearWeights(Method):
    """Weights of a linear classifier: the same map for every image."""

    unit: ClassVar[str] = "log odds per unit of input"
    takes_plane: ClassVar[bool] = True
    is_of_plane: ClassVar[bool] = True
    has_sign: ClassVar[bool] = True

    method: Literal["weights"]

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        return 0

    def in_short(self, one: Any) -> str:
        return "weights\nof the log odds"

    def in_words(self, maps: Sequence[Any]) -> str:
        return "weights of the log odds"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.linear_heatmaps import weights

        return weights(self.method, classifier, images, nodes)
