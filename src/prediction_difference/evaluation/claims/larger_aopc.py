"""Perturbed in the order of a heatmap, images lose more than in that of another one."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.claim import (
    ClaimOfTable,
)
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.aopc import RegionPerturbation

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class LargerAopc(ClaimOfTable):
    """Perturbed in the order of a heatmap, images lose more than in that of another one."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = (RegionPerturbation,)

    claim: Literal["larger-aopc"]

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.claim_numbers import differences
        from prediction_difference.evaluation.findings import Measured
        from prediction_difference.evaluation.perturbed_table import aopc_by_image

        table = opened[self.evaluation]
        output = str(table.attrs["settings"]["output"])
        values = differences(self, aopc_by_image(table, output))
        return Measured(values, f"AOPC less that of {self.than}", f"of the {output}")
