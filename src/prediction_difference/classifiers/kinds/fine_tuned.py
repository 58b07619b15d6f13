"""Layers of torchvision's, and two new convolutions that are trained [kumar2017, 4.1]."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.files import empty_torchvision
from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import NORMALISATIONS, AnyNormalisation
from prediction_difference.settings import Name, PathOrName

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.data.dataset import Dataset


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

    @property
    def architecture_name(self) -> str:
        return self.model

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import fine_tune

        return fine_tune(self, dataset, making.key, making.device)

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        from prediction_difference.classifiers import fine_tuning

        maps = weights[fine_tuning.FIRST].shape[1]
        head = fine_tuning.new_head(self, maps, len(card.class_names))
        return fine_tuning.FineTuned(fine_tuning.build_body(self), head)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        return empty_torchvision(self.model)

    def files_behind(self) -> list[Path]:
        return [Path(self.weights)]
