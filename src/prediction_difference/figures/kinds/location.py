"""Which maps find the damage of simulated patients, with intervals over cohorts."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class LocationPoints(MeasuredFigure):
    """Which maps find the damage of simulated patients, with intervals over cohorts."""

    measured_by: ClassVar[type[Measure]] = LocationStudy

    kind: Literal["location"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.location import location_points

        return location_points(inputs.table(self.evaluation))
