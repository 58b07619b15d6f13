"""Heatmaps of turned images, and their correlations [samek2017, Fig. 3c]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.image_specificity import ImageSpecificity
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class TurnedImages(MeasuredFigure):
    """Heatmaps of turned images, and their correlations [samek2017, Fig. 3c]."""

    measured_by: ClassVar[type[Measure]] = ImageSpecificity

    kind: Literal["image-specificity"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.turned_images import turned_images

        return turned_images(inputs.table(self.evaluation))
