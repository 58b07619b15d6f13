"""Relevance in proportion to contributions, stabilised [samek2017, eq. 7]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.methods.layerwise import RelevanceOfScore
from prediction_difference.choices import Positive

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class EpsilonRelevance(RelevanceOfScore):
    """Relevance in proportion to contributions, stabilised [samek2017, eq. 7]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["lrp_epsilon"]
    epsilon: Positive = Field(0.01, description="added to the size of every denominator")
    relative: bool = Field(
        False,
        description="epsilon is a multiple of the layer's root mean square, and so does not depend "
        "on the input's scale; the papers' values are for inputs of 0 to 255",
    )

    def in_short(self, one: Any) -> str:
        return f"layer-wise relevance\n{self._stabiliser}"

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"layer-wise relevance propagation, {self._stabiliser}, {self.policies}"

    @property
    def _stabiliser(self) -> str:
        unit = " of a layer's root mean square" if self.relative else ""
        return f"epsilon = {self.epsilon:g}{unit}"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.backward import relevance_of
        from prediction_difference.attribution.relevance.redistribution import Epsilon

        rule = Epsilon(self.bias, self.max_pool, self.normalisation, self.epsilon, self.relative)
        return relevance_of(classifier, images, nodes, rule, given.device, start=self.start)
