"""Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claim import ClaimOfTable
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.location import LocationStudy

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class FindsDamage(ClaimOfTable):
    """Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

    moved: ClassVar[Mapping[str, str]] = {"method": "write explanation, an explanation's name"}
    measured_by: ClassVar[tuple[type[Measure], ...]] = (LocationStudy,)

    claim: Literal["finds-damage"]

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.findings import Measured
        from prediction_difference.evaluation.location import AUC, by_cohort

        areas = by_cohort(opened[self.evaluation], AUC)
        for name in self.compared:
            if name not in areas:
                remedy = "make the evaluation again"
                raise StoreError(
                    f"evaluation {self.evaluation}", f"did not measure {name!r}", remedy
                )
        quantity = f"area under the curve of {self.explanation} less that of {self.than}, by cohort"
        differences = areas[self.explanation] - areas[self.than]
        return Measured(differences.to_numpy(), quantity, "")
