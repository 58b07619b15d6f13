"""Sums of relevance by scores, and histograms of relevance [montavon2017, Fig. 6]."""

from typing import Literal

from pydantic import Field

from prediction_difference.figures.kind import MeasuredFigure
from prediction_difference.settings import Name


class ConsistencyPlots(MeasuredFigure):
    """Sums of relevance by scores, and histograms of relevance [montavon2017, Fig. 6]."""

    kind: Literal["consistency"]
    labels: dict[Name, str] = Field({}, description="titles of explanations, for their names")
