"""Heatmaps of turned images, and their correlations [samek2017, Fig. 3c]."""

from typing import Literal

from prediction_difference.figures.kind import MeasuredFigure


class TurnedImages(MeasuredFigure):
    """Heatmaps of turned images, and their correlations [samek2017, Fig. 3c]."""

    kind: Literal["image-specificity"]
