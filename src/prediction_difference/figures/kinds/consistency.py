"""Sums of relevance by scores, and histograms of relevance [montavon2017, Fig. 6]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.consistency import Consistency
from prediction_difference.figures.kind import MeasuredFigure
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class ConsistencyPlots(MeasuredFigure):
    """Sums of relevance by scores, and histograms of relevance [montavon2017, Fig. 6]."""

    measured_by: ClassVar[type[Measure]] = Consistency

    kind: Literal["consistency"]
    labels: dict[Name, str] = Field({}, description="titles of explanations, for their names")

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.consistency import consistency

        return consistency(inputs.table(self.evaluation), self.labels)
