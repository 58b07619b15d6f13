"""Which samplers find the damage of simulated patients, with intervals over cohorts."""

from typing import Literal

from prediction_difference.figures.kind import MeasuredFigure


class LocationPoints(MeasuredFigure):
    """Which samplers find the damage of simulated patients, with intervals over cohorts."""

    kind: Literal["location"]
