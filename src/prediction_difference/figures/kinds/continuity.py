"""Explanations of max(x1, x2) as arrows, and their largest change [samek2017, Fig. 3b]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.continuity import Continuity
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class ContinuityArrows(MeasuredFigure):
    """Explanations of max(x1, x2) as arrows, and their largest change [samek2017, Fig. 3b]."""

    measured_by: ClassVar[type[Measure]] = Continuity

    kind: Literal["continuity"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.continuity_arrows import continuity_arrows

        return continuity_arrows(inputs.table(self.evaluation))
