"""Mean gradient on the way from a plain image, times the way [sundararajan2017]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Count

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node

_PATHS_AT_ONCE = 16
"""Images of a path that are run together."""


class IntegratedGradients(Method):
    """Mean gradient on the way from a plain image, times the way [sundararajan2017]."""

    is_passed_back: ClassVar[bool] = True
    unit: ClassVar[str] = "activation"
    has_sign: ClassVar[bool] = True

    method: Literal["integrated_gradients"]
    images_per_job: int = Field(128, ge=1, description="images that one job works on")
    steps: Count = Field(32, description="gradients on the way")
    baseline: float = Field(0.0, description="value of all pixels of the plain image")

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        return self.steps

    def in_short(self, one: Any) -> str:
        return f"integrated gradients\n{self.steps} steps"

    def in_words(self, maps: Sequence[Any]) -> str:
        return (
            f"integrated gradients in {self.steps} steps from an image of {self.baseline:g}, "
            "summed over channels"
        )

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        import numpy as np

        from prediction_difference.attribution.backward import gradients_of

        way = images - np.float32(self.baseline)
        total = np.zeros(images.shape, dtype=np.float64)
        # The midpoint rule.
        places = (np.arange(self.steps) + 0.5) / self.steps
        for part in np.array_split(places, -(-self.steps // _PATHS_AT_ONCE)):
            on_the_way = np.concatenate([self.baseline + np.float32(place) * way for place in part])
            gradients = gradients_of(classifier, on_the_way, list(nodes) * len(part), given.device)
            total += gradients.reshape(len(part), *images.shape).sum(0)
        return np.asarray((way * total / self.steps).sum(1))
