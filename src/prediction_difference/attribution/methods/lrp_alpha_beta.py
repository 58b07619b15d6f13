"""Relevance of positive and negative contributions apart [samek2017, eq. 8]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.methods.layerwise import RelevanceOfScore

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class AlphaBetaRelevance(RelevanceOfScore):
    """Relevance of positive and negative contributions apart [samek2017, eq. 8]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["lrp_alpha_beta"]
    alpha: float = Field(2.0, description="share of the positive contributions")
    beta: float = Field(-1.0, description="share of the negative ones; alpha + beta = 1")

    @model_validator(mode="after")
    def _conserves(self) -> "AlphaBetaRelevance":
        if abs(self.alpha + self.beta - 1) > 1e-6:
            raise ValueError(
                f"alpha + beta is {self.alpha + self.beta:g}; set beta to {1 - self.alpha:g}"
            )
        return self

    def in_short(self, one: Any) -> str:
        return f"layer-wise relevance\n{self._shares}"

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"layer-wise relevance propagation, {self._shares}, {self.policies}"

    @property
    def _shares(self) -> str:
        return f"alpha = {self.alpha:g}, beta = {self.beta:g}"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.backward import relevance_of
        from prediction_difference.attribution.relevance.redistribution import AlphaBeta

        rule = AlphaBeta(self.bias, self.max_pool, self.normalisation, self.alpha, self.beta)
        return relevance_of(classifier, images, nodes, rule, given.device, start=self.start)
