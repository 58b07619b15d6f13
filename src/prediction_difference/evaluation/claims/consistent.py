"""A property of heatmaps has, or has not, the smallest value that there is."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMeasured
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.consistency import Consistency

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class Consistent(ClaimOfMeasured):
    """A property of heatmaps has, or has not, the smallest value that there is."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = (Consistency,)

    claim: Literal["consistent"]
    by: Literal["conservation", "negative", "difference"] = Field(
        description="relative error of the sum of relevance; share of negative relevance; or "
        "difference from maps that were begun elsewhere"
    )
    limit: float = Field(0.01, gt=0, description="below which the property counts as there")
    denied: bool = Field(False, description="the claim is that it is not there")

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.claim_numbers import column
        from prediction_difference.evaluation.findings import Measured

        columns = opened[self.evaluation].pivot(
            index="image", columns="explanation", values=self.by
        )
        values = np.asarray(column(columns, self.evaluation, self.explanation))
        quantity = {
            "conservation": "error of the sum of relevance, as a share of the score",
            "negative": "share of negative relevance",
            "difference": "difference from maps begun elsewhere, as a share of their strength",
        }[self.by]
        return Measured(values, quantity, "", self.limit, sense="above" if self.denied else "below")
