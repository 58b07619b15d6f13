"""A classifier has the published accuracy: an interval of ours holds it."""

from typing import Literal

from pydantic import Field, model_validator

from prediction_difference.evaluation.claim import Claim
from prediction_difference.settings import Name


class ReachesAccuracy(Claim):
    """A classifier has the published accuracy: an interval of ours holds it."""

    claim: Literal["accuracy"]
    classifier: Name | None = Field(None, description="whose held-out images are counted")
    evaluation: Name | None = Field(
        None,
        description="in its place: of measure cohort-accuracy or location, for the mean of cohorts",
    )
    published: float = Field(gt=0, lt=1, description="share of images that are right")

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReachesAccuracy":
        if (self.classifier is None) == (self.evaluation is None):
            raise ValueError("accuracy is that of a classifier or of an evaluation; name one")
        return self

    @property
    def classifier_names(self) -> tuple[str, ...]:
        return () if self.classifier is None else (self.classifier,)

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return () if self.evaluation is None else (self.evaluation,)

    @property
    def measured_by(self) -> tuple[str, ...]:
        return ("cohort-accuracy", "location")
