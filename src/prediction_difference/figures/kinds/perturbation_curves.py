"""Curves of a region perturbation, one per method, and their AOPC."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class PerturbationCurves(MeasuredFigure):
    """Curves of a region perturbation, one per method, and their AOPC."""

    measured_by: ClassVar[type[Measure]] = RegionPerturbation

    kind: Literal["perturbation-curves"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.losses import losses
        from prediction_difference.figures.perturbation_curves import perturbation_curves

        table = inputs.table(self.evaluation)
        return perturbation_curves(losses(table, table.attrs["settings"]["output"]), table.attrs)
