"""A classifier of torchvision by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.files import (
    check_class_names,
    check_weights,
    empty_torchvision,
    named_classes,
)
from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import NORMALISATIONS, AnyNormalisation
from prediction_difference.errors import Problem
from prediction_difference.settings import Name, PathOrName, UserPath

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.data.dataset import Catalogue, Dataset


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

    @property
    def architecture_name(self) -> str:
        return self.model

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import load_pretrained

        return load_pretrained(self, dataset, making.device)

    def load(self) -> "tuple[nn.Module, tuple[str, ...] | None]":
        """The network with its weights, and its class names where the weights tell them."""
        from prediction_difference.classifiers.pretrained import load_torchvision

        return load_torchvision(self)

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        from prediction_difference.classifiers.pretrained import torchvision_network

        return torchvision_network(self.model)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        return empty_torchvision(self.model)

    def files_behind(self) -> list[Path]:
        return [Path(self.weights), *([self.class_names] if self.class_names else [])]

    def check_files(self, where: str) -> list[Problem]:
        is_file = "." in self.weights
        weights = check_weights(where, Path(self.weights)) if is_file else []
        return [*weights, *check_class_names(where, self.class_names)]

    def names_of_classes(self, known: "Catalogue") -> tuple[str, ...] | None:
        return named_classes(self.class_names)
