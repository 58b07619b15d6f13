"""Covariance of the training images times the weights, by the log odds' variance [haufe2014]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prediction_difference.attribution.method import Method

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class HaufePattern(Method):
    """Covariance of the training images times the weights, by the log odds' variance [haufe2014].

    The same map for every image of a fold: where voxels rise and fall with the log odds.
    """

    unit: ClassVar[str] = "unit of input per log odds"
    needs_training: ClassVar[bool] = True
    takes_plane: ClassVar[bool] = True
    is_of_plane: ClassVar[bool] = True
    has_sign: ClassVar[bool] = True

    method: Literal["pattern"]

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        return 0

    def in_short(self, one: Any) -> str:
        return "pattern\ncovariance x weights"

    def in_words(self, maps: Sequence[Any]) -> str:
        return (
            "pattern, covariance of the training images times the weights, by the variance of "
            "the log odds"
        )

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.linear_heatmaps import pattern

        return pattern(self.method, classifier, images, nodes, training=given.training)
