"""Shares of relevance by region, and totals of images [samek2017, Fig. 3e]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.aggregation import Aggregation
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class RegionShares(MeasuredFigure):
    """Shares of relevance by region, and totals of images [samek2017, Fig. 3e]."""

    measured_by: ClassVar[type[Measure]] = Aggregation

    kind: Literal["aggregation"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.region_shares import region_shares

        return region_shares(inputs.table(self.evaluation))
