"""Norm over channels of gradients that rectifiers also rectify [springenberg2015]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.wording import norm_in_words

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class GuidedBackpropagation(Method):
    """Norm over channels of gradients that rectifiers also rectify [springenberg2015]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["guided_backprop"]
    norm: Literal["l2", "linf"] = "l2"

    def in_short(self, one: Any) -> str:
        return f"guided backpropagation\n{norm_in_words(self.norm)} norm"

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"guided backpropagation, {norm_in_words(self.norm)} norm over channels"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.backward import norm_of, signals
        from prediction_difference.attribution.relevance import gradients

        rule = gradients.guided_backpropagation
        return norm_of(signals(classifier, images, nodes, rule, given.device), self.norm)
