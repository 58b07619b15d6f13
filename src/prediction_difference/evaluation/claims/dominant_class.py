"""The class that dominates a CLEAR map is the predicted one."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMeasured


class DominantClass(ClaimOfMeasured):
    """The class that dominates a CLEAR map is the predicted one.

    Of right decisions, in more than half of the maps; of wrong ones, more often than the label.
    """

    claim: Literal["dominant-class"]
    by: Literal["area", "sum"] = Field(
        "sum", description="the class with most pixels, or with most summed response"
    )
    decisions: Literal["right", "wrong"]

    @property
    def measured_by(self) -> str:
        return "dominance"
