"""AOPC above a baseline, with intervals, and what the maps cost; a panel per evaluation."""

from typing import Literal

from prediction_difference.figures.kinds.compared import ComparedMethods


class ComparedAreas(ComparedMethods):
    """AOPC above a baseline, with intervals, and what the maps cost; a panel per evaluation."""

    kind: Literal["compared-areas"]
