"""Gradient at a nearby root of the score, times the way from there [montavon2017, eq. 5]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.box import refuse_empty_box
from prediction_difference.attribution.methods.wording import values_in_words
from prediction_difference.choices import Count, Fraction, Natural

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class Taylor(Method):
    """Gradient at a nearby root of the score, times the way from there [montavon2017, eq. 5]."""

    is_passed_back: ClassVar[bool] = True
    unit: ClassVar[str] = "activation"
    has_sign: ClassVar[bool] = True
    is_random: ClassVar[bool] = True

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

    def in_short(self, one: Any) -> str:
        return f"Taylor\nat {self.reached:.0%} of the score"

    def in_words(self, maps: Sequence[Any]) -> str:
        return (
            f"Taylor decomposition at a near point with {self.reached:.0%} of the score, "
            f"{values_in_words(self)}, found in {self.steps} steps from "
            + (f"random point {self.start}" if self.start else "the image")
            + (f" and {self.starts - 1} next ones" if self.starts > 1 else "")
        )

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        from prediction_difference.attribution.roots import root_forwards

        return root_forwards(self.steps, self.starts)

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.roots import taylor

        return taylor(
            classifier,
            images,
            nodes,
            reached=self.reached,
            lowest=self.lowest,
            highest=self.highest,
            start=self.start,
            starts=self.starts,
            steps=self.steps,
            seed=given.seed,
            device=given.device,
        )
