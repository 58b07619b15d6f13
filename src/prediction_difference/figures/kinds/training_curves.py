"""AOPC above random order, and accuracy, over the epochs of a training [samek2017, Fig. 7]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.figures.kind import Figure
from prediction_difference.settings import Name


class TrainingCurves(Figure):
    """AOPC above random order, and accuracy, over the epochs of a training [samek2017, Fig. 7]."""

    kind: Literal["training-curves"]
    evaluations: Annotated[tuple[Name, ...], Field(min_length=2)] = Field(
        description="of the same methods and images, one for each checkpoint"
    )
    labels: tuple[str, ...] = Field(
        (),
        description="what the explanations are called, in the order of every evaluation; none: as "
        "those of the first one",
    )

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return self.evaluations
