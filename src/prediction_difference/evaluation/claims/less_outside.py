"""Less relevance than another explanation's lies outside of what the label is about."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.claim import (
    ClaimOfTable,
)
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.consistency import Consistency

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class LessOutside(ClaimOfTable):
    """Less relevance than another explanation's lies outside of what the label is about."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = (Consistency,)

    claim: Literal["less-outside"]

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.claim_numbers import differences
        from prediction_difference.evaluation.findings import Measured

        columns = opened[self.evaluation].pivot(
            index="image", columns="explanation", values="outside"
        )
        quantity = f"share of relevance outside less that of {self.than}"
        return Measured(differences(self, columns), quantity, "", sense="below")
