"""Whether the class that dominates a CLEAR map is the predicted one [kumar2017]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class Dominance(Measure):
    """Whether the class that dominates a CLEAR map is the predicted one [kumar2017]."""

    measure: Literal["dominance"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with nodes of several classes, such as nodes: [{classes: all}]"
    )
    least_response: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of a map's largest response from which a pixel counts as a class's",
    )
