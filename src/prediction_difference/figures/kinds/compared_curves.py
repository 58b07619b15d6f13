"""Perturbation curves above a baseline [samek2017, Figs. 4, 8]; a panel per evaluation."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.figures.kinds.compared import ComparedMethods

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class ComparedCurves(ComparedMethods):
    """Perturbation curves above a baseline [samek2017, Figs. 4, 8]; a panel per evaluation."""

    kind: Literal["compared-curves"]
    across: int = Field(3, ge=1, description="panels side by side")

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.compared_methods import compared_curves

        return compared_curves(self.panels(inputs), self.across)
