"""Accuracy with only the strong features, and without, by their threshold."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.strong_features import StrongFeatures
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class StrongFeatureCurves(MeasuredFigure):
    """Accuracy with only the strong features, and without, by their threshold."""

    measured_by: ClassVar[type[Measure]] = StrongFeatures

    kind: Literal["strong-features"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.strong_features import strong_features

        return strong_features(inputs.table(self.evaluation))
