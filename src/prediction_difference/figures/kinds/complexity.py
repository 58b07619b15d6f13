"""Sizes of heatmaps as files, one method against others, and entropy [samek2017, Fig. 5]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.complexity import HeatmapComplexity
from prediction_difference.figures.kind import MeasuredFigure
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class ComplexityPlots(MeasuredFigure):
    """Sizes of heatmaps as files, one method against others, and entropy [samek2017, Fig. 5]."""

    measured_by: ClassVar[type[Measure]] = HeatmapComplexity

    kind: Literal["complexity"]
    explanation: Name = Field(description="whose sizes the others' are plotted against")
    explanations: tuple[Name, ...] = Field((), description="the others; none: all")

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.explanation, *self.explanations)

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.complexity import complexity

        return complexity(inputs.table(self.evaluation), self.explanation, self.explanations)
