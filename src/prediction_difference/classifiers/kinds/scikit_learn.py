"""Any classifier of scikit-learn's kind that has predict_proba, on voxels inside the mask."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.settings import Name


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
