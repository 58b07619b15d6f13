"""Any classifier of scikit-learn's kind that has predict_proba, on voxels inside the mask."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.data.dataset import Dataset


class ScikitLearnClassifier(Classifier):
    """Any classifier of scikit-learn's kind that has predict_proba, on voxels inside the mask.

    It is fitted anew, with a fixed seed, from the training images that are stored beside it:
    nothing is unpickled.
    """

    is_network: ClassVar[bool] = False

    kind: Literal["scikit-learn"]
    dataset: Name
    estimator: str = Field(
        pattern=r"^[\w.]+:[\w.]+$",
        description="module:class or module:function that returns an estimator, such as "
        "sklearn.svm:SVC",
    )
    parameters: dict[str, Any] = Field(
        {},
        description="arguments; random_state is set from run.seed where it is taken and not said",
    )
    scaling: bool = Field(
        True, description="voxels standardised over the training images, before the estimator"
    )

    @property
    def modules_named(self) -> tuple[str, ...]:
        return (self.estimator.partition(":")[0],)

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fold_fitting import fit_estimators

        return fit_estimators(self, dataset, making.key)

    def module(self, folder: Path, card: "Card", split: str, image: int | None) -> "nn.Module":
        from prediction_difference import randomness
        from prediction_difference.classifiers import estimators
        from prediction_difference.classifiers.loading import all_weights

        part, classes = card.weights_for(split), len(card.class_names)
        seed = randomness.key(card.seed, "classifier", card.name)
        return estimators.load(self, all_weights(folder, card), part, classes, seed, folder)
