"""How far every voxel is from the mean of the training images; for linear classifiers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Favours

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class DeviationFromMean(Method):
    """How far every voxel is from the mean of the training images; for linear classifiers."""

    unit: ClassVar[str] = "unit of input"
    needs_training: ClassVar[bool] = True
    takes_plane: ClassVar[bool] = True
    is_of_plane: ClassVar[bool] = True
    has_sign: ClassVar[bool] = True

    method: Literal["deviation"]
    favours: Favours = Field(
        "lower", description="values that speak for the second class, such as low FA for patients"
    )
    weighted: bool = Field(
        False, description="times the weights: what each voxel adds to the log odds"
    )

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        return 0

    def in_short(self, one: Any) -> str:
        return f"deviation{' x weights' if self.weighted else ''}\nfrom the training mean"

    def in_words(self, maps: Sequence[Any]) -> str:
        return "deviation from the mean of the training images, " + (
            "times the weights" if self.weighted else f"{self.favours} values for the second class"
        )

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.linear_heatmaps import deviation

        return deviation(
            self.method,
            classifier,
            images,
            nodes,
            training=given.training,
            favours=self.favours,
            weighted=self.weighted,
        )
