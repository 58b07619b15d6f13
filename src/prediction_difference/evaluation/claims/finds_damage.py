"""Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import Claim
from prediction_difference.settings import Name


class FindsDamage(Claim):
    """Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

    claim: Literal["finds-damage"]
    evaluation: Name = Field(description="of measure location")
    method: Name = Field(description="one of its methods")
    than: Name = Field(description="another one")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    def measured_by(self) -> str:
        return "location"

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.method, self.than)
