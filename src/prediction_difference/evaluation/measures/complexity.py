"""Sizes of heatmaps as files, and their entropy [samek2017, Fig. 5]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class HeatmapComplexity(Measure):
    """Sizes of heatmaps as files, and their entropy [samek2017, Fig. 5]."""

    measure: Literal["complexity"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
