"""Accuracy of a logistic regression over cohorts of other seeds [zintgraf2017, section 4.2]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class CohortAccuracy(Measure):
    """Accuracy of a logistic regression over cohorts of other seeds [zintgraf2017, section 4.2]."""

    measure: Literal["cohort-accuracy"]
    classifier: Name = Field(
        description="of kind: logistic-regression, on a dataset of source: simulated-fa"
    )
    cohorts: int = Field(
        10, ge=2, description="seeds: run.seed, which the run itself has, and those after it"
    )
    C: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="strengths to try beside each other; none: the classifier's own"
    )
    effects: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (), description="effects to try beside each other; none: the dataset's own"
    )

    @property
    def explanations(self) -> tuple[str, ...]:
        """None: no maps are needed."""
        return ()
