"""Whether heatmaps change when images are turned [samek2017, Fig. 3c]."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class ImageSpecificity(Measure):
    """Whether heatmaps change when images are turned [samek2017, Fig. 3c]."""

    measure: Literal["image-specificity"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    degrees: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        (15, 30, 45, 60, 75, 90), description="angles, counter-clockwise"
    )
    kept: int = Field(
        2, ge=0, description="images whose maps are kept in the table, for figures to show them"
    )

    @model_validator(mode="after")
    def _turns(self) -> "ImageSpecificity":
        if 0 in self.degrees:
            raise ValueError("an angle of 0 turns nothing; remove it, it is measured anyway")
        return self
