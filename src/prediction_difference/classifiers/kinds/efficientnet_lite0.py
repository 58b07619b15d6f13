"""EfficientNet-Lite0 with weights of ImageNet, which come with the package [tan2019]."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.settings import Name


class EfficientNetLite0(Classifier):
    """EfficientNet-Lite0 with weights of ImageNet, which come with the package [tan2019].

    Images are to have 224 x 224 pixels, cut from the middle of photographs that are scaled to a
    shorter side of 256: `size: [224, 224]` and `resize: 256` of the dataset.
    """

    kind: Literal["efficientnet-lite0"]
    dataset: Name = Field(description="the images to classify")

    weights_from: ClassVar[WeightsFrom] = "elsewhere"
    normalisation: ClassVar[Normalisation] = Normalisation(
        mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), scale=255
    )
    training_instances: ClassVar[int] = 1_281_167
    class_names: ClassVar[None] = None
    """Those of ImageNet."""
