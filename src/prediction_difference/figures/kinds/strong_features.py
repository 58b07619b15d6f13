"""Accuracy with only the strong features, and without, by their threshold."""

from typing import Literal

from prediction_difference.figures.kind import MeasuredFigure


class StrongFeatureCurves(MeasuredFigure):
    """Accuracy with only the strong features, and without, by their threshold."""

    kind: Literal["strong-features"]
