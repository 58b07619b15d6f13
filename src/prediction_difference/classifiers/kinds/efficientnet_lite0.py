"""EfficientNet-Lite0 with weights of ImageNet, which come with the package [tan2019]."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.classifiers.normalisation import Normalisation
    from prediction_difference.data.dataset import Catalogue, Dataset


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

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import load_pretrained

        return load_pretrained(self, dataset, making.device)

    def load(self) -> "tuple[nn.Module, tuple[str, ...] | None]":
        """The network with its weights, and the names of its classes."""
        from prediction_difference.classifiers import efficientnet_lite0
        from prediction_difference.classifiers.pretrained import imagenet_classes

        return efficientnet_lite0.load(), imagenet_classes()

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        return self.empty_network((), 0)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        from prediction_difference.classifiers import efficientnet_lite0

        return efficientnet_lite0.build()

    def names_of_classes(self, known: "Catalogue") -> tuple[str, ...] | None:
        return None
