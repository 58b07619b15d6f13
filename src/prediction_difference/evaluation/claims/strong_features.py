"""More images are right with only the strong features of their class than without them."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMeasured


class StrongFeaturesSuffice(ClaimOfMeasured):
    """More images are right with only the strong features of their class than without them."""

    claim: Literal["strong-features"]
    threshold: float = Field(ge=0, le=1, description="one of the evaluation's")

    @property
    def measured_by(self) -> str:
        return "strong-features"
