"""A user's own network: a function that returns a torch module, and its weights."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import AnyNormalisation
from prediction_difference.settings import Name, UserPath


class TorchNetwork(Classifier):
    """A user's own network: a function that returns a torch module, and its weights."""

    weights_from: ClassVar[WeightsFrom] = "elsewhere"

    kind: Literal["torch"]
    dataset: Name = Field(description="the images to classify")
    factory: str = Field(pattern=r"^[\w.]+:[\w.]+$", description="module:function, no arguments")
    weights: UserPath = Field(description="safetensors, or a file that torch loads weights-only")
    normalisation: AnyNormalisation | None = Field(
        None,
        description="imagenet, caffe, or numbers; null: the network takes images in 0 to 1 as "
        "they are",
    )
    training_instances: int = Field(ge=1, description="N of the Laplace correction")
    class_names: UserPath | None = Field(
        None, description="text file, one class a line; null: those of the dataset"
    )
