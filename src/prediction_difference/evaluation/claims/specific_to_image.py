"""Maps of images of one label are less alike than those of another explanation."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfNode
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class SpecificToImage(ClaimOfNode):
    """Maps of images of one label are less alike than those of another explanation."""

    claim: Literal["specific-to-image"]
    than: Name = Field(description="the other explanation, of the same images")

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.claim_numbers import alike
        from prediction_difference.evaluation.findings import Measured

        this, that = (alike(self, opened[name], True) for name in self.compared)
        quantity = (
            f"mean correlation with maps of other images of the class, less that of {self.than}"
        )
        return Measured(this - that, quantity, "", sense="below")
