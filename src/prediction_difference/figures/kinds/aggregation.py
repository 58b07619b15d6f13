"""Shares of relevance by region, and totals of images [samek2017, Fig. 3e]."""

from typing import Literal

from prediction_difference.figures.kind import MeasuredFigure


class RegionShares(MeasuredFigure):
    """Shares of relevance by region, and totals of images [samek2017, Fig. 3e]."""

    kind: Literal["aggregation"]
