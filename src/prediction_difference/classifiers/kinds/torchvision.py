"""A classifier of torchvision by name."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import NORMALISATIONS, AnyNormalisation
from prediction_difference.settings import Name, PathOrName, UserPath


class TorchvisionNetwork(Classifier):
    """A classifier of torchvision by name."""

    weights_from: ClassVar[WeightsFrom] = "elsewhere"

    kind: Literal["torchvision"]
    dataset: Name = Field(description="the images to classify")
    model: str = Field(description="torchvision's name, such as googlenet")
    weights: PathOrName = Field(description="an enum entry, such as DEFAULT, or a local file")
    normalisation: AnyNormalisation = Field(
        NORMALISATIONS["imagenet"],
        description="default: what torchvision's weights were trained with; imagenet, caffe, or "
        "numbers",
    )
    training_instances: int = Field(1_281_167, ge=1, description="N of the Laplace correction")
    class_names: UserPath | None = Field(
        None, description="text file, one class a line; null: those of the weights' enum entry"
    )
