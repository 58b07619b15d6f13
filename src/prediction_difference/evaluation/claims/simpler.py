"""Heatmaps are less complex than those of another explanation."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfTable
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.complexity import HeatmapComplexity

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class Simpler(ClaimOfTable):
    """Heatmaps are less complex than those of another explanation."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = (HeatmapComplexity,)

    claim: Literal["simpler"]
    by: Literal["png_bytes", "jpeg_bytes", "entropy"] = Field(
        "entropy", description="of 8-bit pictures of the heatmaps: size of the file, or entropy"
    )

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.claim_numbers import differences
        from prediction_difference.evaluation.findings import Measured

        columns = opened[self.evaluation].pivot(
            index="image", columns="explanation", values=self.by
        )
        unit = "bits" if self.by == "entropy" else "bytes"
        name = {"entropy": "entropy", "png_bytes": "PNG", "jpeg_bytes": "JPEG"}[self.by]
        values = differences(self, columns)
        return Measured(values, f"{name} less that of {self.than}", unit, sense="below")
