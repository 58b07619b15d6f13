"""Explanations of max(x1, x2) as arrows, and their largest change [samek2017, Fig. 3b]."""

from typing import Literal

from prediction_difference.figures.kind import MeasuredFigure


class ContinuityArrows(MeasuredFigure):
    """Explanations of max(x1, x2) as arrows, and their largest change [samek2017, Fig. 3b]."""

    kind: Literal["continuity"]
