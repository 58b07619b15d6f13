"""The class that dominates a CLEAR map is the predicted one."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claim import ClaimOfMeasured
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.dominance import Dominance

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class DominantClass(ClaimOfMeasured):
    """The class that dominates a CLEAR map is the predicted one.

    Of right decisions, in more than half of the maps; of wrong ones, more often than the label.
    """

    measured_by: ClassVar[tuple[type[Measure], ...]] = (Dominance,)

    claim: Literal["dominant-class"]
    by: Literal["area", "sum"] = Field(
        "sum", description="the class with most pixels, or with most summed response"
    )
    decisions: Literal["right", "wrong"]

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.findings import Measured

        table = opened[self.evaluation]
        is_chosen = table["explanation"] == self.explanation
        is_chosen &= table["right"] == (self.decisions == "right")
        if not is_chosen.any():
            what = f"has no {self.decisions} decision explained by {self.explanation!r}"
            raise StoreError(f"evaluation {self.evaluation}", what, "explain some")
        part = table[is_chosen]
        values = (part[self.by] == part["predicted"]).to_numpy().astype(float)
        if self.decisions == "right":
            quantity = "share of maps whose dominant class is the predicted one"
            return Measured(values, quantity, "", limit=0.5, is_share=True)
        of_label = (part[self.by] == part["label"]).to_numpy().astype(float)
        quantity = "share of maps that the predicted class dominates, less that of the label's"
        return Measured(values - of_label, quantity, "")
