"""Gradient at a nearby root of the score, times the way from there [montavon2017, eq. 5]."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.box import refuse_empty_box
from prediction_difference.choices import Count, Fraction, Natural


class Taylor(Method):
    """Gradient at a nearby root of the score, times the way from there [montavon2017, eq. 5]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["taylor"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    reached: Fraction = Field(0.1, description="share of the score that a root may have")
    lowest: float = Field(0.0, description="least value of images, before normalisation")
    highest: float = Field(1.0, description="largest value of images, before normalisation")
    start: Natural = Field(
        0,
        description="where the search begins: 0 is the image, other numbers are random points of "
        "the box; another start may find another root",
    )
    starts: Count = Field(
        1, description="searches from this start and the next ones; the nearest root counts"
    )
    steps: Count = Field(100, description="of a round of the search for a root")

    @model_validator(mode="after")
    def _is_box(self) -> "Taylor":
        refuse_empty_box(self.lowest, self.highest)
        return self
