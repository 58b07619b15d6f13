"""Relevance of positive and negative contributions apart [samek2017, eq. 8]."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.methods.layerwise import RelevanceOfScore


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
