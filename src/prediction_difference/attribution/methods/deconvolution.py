"""Norm over channels of rectified signals on their way back [samek2017, section II-B]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.wording import norm_in_words
from prediction_difference.choices import Start

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class Deconvolution(Method):
    """Norm over channels of rectified signals on their way back [samek2017, section II-B]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["deconvolution"]
    norm: Literal["l2", "linf", "sum"] = Field(
        "l2", description="sum: the sum over channels, which has a sign [kumar2017]"
    )
    start: Start = Field(
        "slope",
        description="what is passed back: 1 at the class score; or where the last layer has a map "
        "for each class, as in all-convolutional networks, what is positive in it, and else the "
        "score [kumar2017, eq. 3]",
    )

    def in_short(self, one: Any) -> str:
        return f"deconvolution\n{self._over_channels}"

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"deconvolution, {self._over_channels} over channels, from " + (
            "the class score" if self.start == "slope" else "the map or score of the class"
        )

    @property
    def _over_channels(self) -> str:
        return "sum" if self.norm == "sum" else f"{norm_in_words(self.norm)} norm"

    @property
    def is_signed(self) -> bool:
        return self.norm == "sum"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.backward import norm_of, signals
        from prediction_difference.attribution.relevance import gradients

        rule = gradients.deconvolution
        found = signals(classifier, images, nodes, rule, given.device, self.start)
        return norm_of(found, self.norm)
