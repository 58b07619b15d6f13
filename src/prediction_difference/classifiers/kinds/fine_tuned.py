"""Layers of torchvision's, and two new convolutions that are trained [kumar2017, 4.1]."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import NORMALISATIONS, AnyNormalisation
from prediction_difference.settings import Name, PathOrName


class FineTunedNetwork(Classifier):
    """Layers of torchvision's, and two new convolutions that are trained [kumar2017, 4.1].

    The last convolution has a map for each class, whose mean is the score.
    """

    weights_from: ClassVar[WeightsFrom] = "partly here"

    kind: Literal["fine-tuned"]
    dataset: Name
    model: str = Field("vgg16", description="torchvision's name")
    weights: PathOrName = Field(description="an enum entry, such as DEFAULT, or a local file")
    layer: str = Field(
        "features", description="the part that takes the images and is kept as it is, with places"
    )
    normalisation: AnyNormalisation = Field(
        NORMALISATIONS["imagenet"], description="what the weights were trained with"
    )
    width: int = Field(512, ge=1, description="maps of the first new convolution, of 3 x 3")
    dropout: float = Field(0.5, ge=0, lt=1)
    epochs: int = Field(20, ge=1)
    batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(1e-3, gt=0, description="peak of the one-cycle schedule (AdamW)")
    weight_decay: float = Field(1e-2, ge=0)
