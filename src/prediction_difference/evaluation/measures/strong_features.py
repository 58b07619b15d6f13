"""Accuracy with only the strong features of the label, and without [kumar2017, Table 1]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name, Section


class PublishedAccuracies(Section):
    """A column of a table of a paper, as shares."""

    full: float = Field(ge=0, le=1, description="of the full images")
    only: float = Field(ge=0, le=1, description="with only the strong features")
    without: float = Field(ge=0, le=1, description="without the strong features")


class StrongFeatures(Measure):
    """Accuracy with only the strong features of the label, and without [kumar2017, Table 1]."""

    measure: Literal["strong-features"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with a node of the label's class, such as nodes: [{classes: all}]"
    )
    thresholds: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] = (
        Field(
            (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
            description="share of a map's largest value from which a pixel is a strong feature; 0: "
            "all that are positive",
        )
    )
    fill: float = Field(
        0.0, ge=0, le=1, description="value of the pixels that are taken away: 0 black, 0.5 grey"
    )
    published: PublishedAccuracies | None = Field(
        None, description="what a paper found, to be shown beside"
    )
