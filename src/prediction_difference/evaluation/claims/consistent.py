"""A property of heatmaps has, or has not, the smallest value that there is."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMeasured


class Consistent(ClaimOfMeasured):
    """A property of heatmaps has, or has not, the smallest value that there is."""

    claim: Literal["consistent"]
    by: Literal["conservation", "negative", "difference"] = Field(
        description="relative error of the sum of relevance; share of negative relevance; or "
        "difference from maps that were begun elsewhere"
    )
    limit: float = Field(0.01, gt=0, description="below which the property counts as there")
    denied: bool = Field(False, description="the claim is that it is not there")

    @property
    def measured_by(self) -> str:
        return "consistency"
