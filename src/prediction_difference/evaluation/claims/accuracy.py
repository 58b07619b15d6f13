"""A classifier has the published accuracy: an interval of ours holds it."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claim import Claim
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.cohort_accuracy import CohortAccuracy
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.settings import Name

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.evaluation.findings import Measured, Opened


class ReachesAccuracy(Claim):
    """A classifier has the published accuracy: an interval of ours holds it."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = CohortAccuracy, LocationStudy

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

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.classifiers import unseen
        from prediction_difference.evaluation.findings import Measured

        if self.evaluation is not None:
            values = _accuracies(opened[self.evaluation], self.evaluation)
            return Measured(
                values, "accuracy of a cohort, out of fold", "", self.published, "equal"
            )
        (name,) = self.classifier_names
        table = opened[name]
        values = (table["predicted"] == table["label"]).to_numpy().astype(float)
        quantity = f"share of {unseen.noun(table.attrs)}s that {name} gets right"
        quantity += f". {doubt}" if (doubt := unseen.of_images(table.attrs, name)) else ""
        return Measured(values, quantity, "", self.published, "equal", True)


def _accuracies(table: Any, evaluation: str) -> "np.ndarray":
    """(cohorts,) of a table of measure location or cohort-accuracy.

    Raises:
        StoreError: several classifiers or effects were tried.
    """
    import numpy as np

    if table.attrs["settings"]["measure"] in LocationStudy.words():
        from prediction_difference.evaluation.location import ACCURACY, by_cohort

        return np.asarray(by_cohort(table, ACCURACY)).ravel()
    if table["cohort"].duplicated().any():
        what = "tries several classifiers or effects, of which a claim takes one"
        raise StoreError(f"evaluation {evaluation}", what, "leave out its C and effects")
    return np.asarray(table["accuracy"])
