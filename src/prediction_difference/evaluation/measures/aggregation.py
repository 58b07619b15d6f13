"""Relevance summed over regions and images, and how alike totals are [samek2017, Fig. 3e]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class Aggregation(Measure):
    """Relevance summed over regions and images, and how alike totals are [samek2017, Fig. 3e]."""

    measure: Literal["aggregation"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    regions: int = Field(3, ge=1, description="regions along each side of an image")
