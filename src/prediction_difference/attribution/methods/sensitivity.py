"""Norm of the gradient over channels [samek2017, eq. 3; simonyan2013]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.wording import norm_in_words

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class Sensitivity(Method):
    """Norm of the gradient over channels [samek2017, eq. 3; simonyan2013]."""

    is_passed_back: ClassVar[bool] = True
    unit: ClassVar[str] = "activation per unit of input"

    method: Literal["sensitivity"]
    norm: Literal["l2", "linf", "squared"] = Field(
        "l2", description="squared: the square of l2 [montavon2017, section 2.2]"
    )

    def in_short(self, one: Any) -> str:
        return f"gradient\n{norm_in_words(self.norm)} norm"

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"sensitivity, {norm_in_words(self.norm)} norm over channels of the gradient"

    @property
    def relevance_unit(self) -> str:
        return f"({self.unit})²" if self.norm == "squared" else self.unit

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.backward import gradients_of, norm_of

        return norm_of(gradients_of(classifier, images, nodes, given.device), self.norm)
