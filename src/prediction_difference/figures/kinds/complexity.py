"""Sizes of heatmaps as files, one method against others, and entropy [samek2017, Fig. 5]."""

from typing import Literal

from pydantic import Field

from prediction_difference.figures.kind import MeasuredFigure
from prediction_difference.settings import Name


class ComplexityPlots(MeasuredFigure):
    """Sizes of heatmaps as files, one method against others, and entropy [samek2017, Fig. 5]."""

    kind: Literal["complexity"]
    explanation: Name = Field(description="whose sizes the others' are plotted against")
    explanations: tuple[Name, ...] = Field((), description="the others; none: all")
