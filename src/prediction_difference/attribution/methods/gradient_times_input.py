"""Gradient by the normalised image, times it, summed over channels [shrikumar2016]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prediction_difference.attribution.method import Method

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class GradientTimesInput(Method):
    """Gradient by the normalised image, times it, summed over channels [shrikumar2016]."""

    is_passed_back: ClassVar[bool] = True
    unit: ClassVar[str] = "activation"
    has_sign: ClassVar[bool] = True

    method: Literal["gradient_times_input"]

    def in_short(self, one: Any) -> str:
        return "gradient x input\nsum of channels"

    def in_words(self, maps: Sequence[Any]) -> str:
        return "gradient by the normalised image times it, summed over channels"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        import torch

        from prediction_difference.attribution.backward import followed, numpy, slopes
        from prediction_difference.attribution.relevance.gradients import gradient
        from prediction_difference.attribution.relevance.passing import first_layer, passed_back

        found = followed(classifier, images, given.device)
        with torch.no_grad():
            values = found.graph.run(found.images)
        number = first_layer(found.graph)
        signal = slopes(values[found.graph.output], nodes)
        passed = passed_back(found.graph, values, signal, gradient, number)
        return numpy((passed * values[number]).sum(1))
