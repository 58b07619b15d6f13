"""AOPC above a baseline, with intervals, and what the maps cost; a panel per evaluation."""

from typing import TYPE_CHECKING, Literal

from prediction_difference.figures.kinds.compared import ComparedMethods

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class ComparedAreas(ComparedMethods):
    """AOPC above a baseline, with intervals, and what the maps cost; a panel per evaluation."""

    kind: Literal["compared-areas"]

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.compared_methods import compared_areas

        return compared_areas(self.panels(inputs))
