"""AOPC of every image rises and falls with the accuracy of a network while it learns."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.evaluation.claim import Claim
from prediction_difference.settings import Name


class FollowsAccuracy(Claim):
    """AOPC of every image rises and falls with the accuracy of a network while it learns."""

    claim: Literal["follows-accuracy"]
    evaluations: Annotated[tuple[Name, ...], Field(min_length=3)] = Field(
        description="of the same images, one for each checkpoint"
    )
    explanations: tuple[Name, ...] = Field(description="the explanation in each of them")

    @model_validator(mode="after")
    def _one_each(self) -> "FollowsAccuracy":
        if len(self.explanations) != len(self.evaluations):
            raise ValueError(
                f"{len(self.evaluations)} evaluations, but {len(self.explanations)} explanations; "
                "name one for each"
            )
        return self

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return self.evaluations

    @property
    def measured_by(self) -> str:
        return "aopc"
