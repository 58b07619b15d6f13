"""Curves of a region perturbation, one per method, and their AOPC."""

from typing import Literal

from prediction_difference.figures.kind import MeasuredFigure


class PerturbationCurves(MeasuredFigure):
    """Curves of a region perturbation, one per method, and their AOPC."""

    kind: Literal["perturbation-curves"]
