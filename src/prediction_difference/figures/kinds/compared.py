"""What figures of several evaluations have in common."""

from typing import Annotated

from pydantic import Field

from prediction_difference.figures.kind import Figure
from prediction_difference.settings import Name


class ComparedMethods(Figure):
    """What figures of several evaluations have in common."""

    evaluations: Annotated[dict[str, Name], Field(min_length=1)] = Field(
        description="evaluations by the titles of their panels"
    )
    labels: dict[Name, str] = Field(
        {},
        description="explanations that are shown, and what they are called, alike for several "
        "classifiers; none: all, by their names",
    )
    baseline: str | None = Field(
        None,
        description="label or name of the explanation that the others are compared with, image by "
        "image; null: the one by the method random",
    )

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return tuple(self.evaluations.values())
