"""A user's own network: a function that returns a torch module, and its weights."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.files import check_class_names, check_weights, named_classes
from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.classifiers.normalisation import AnyNormalisation
from prediction_difference.errors import Problem
from prediction_difference.settings import Name, UserPath

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.data.dataset import Catalogue, Dataset


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

    @property
    def architecture_name(self) -> str:
        return self.factory.partition(":")[2].rpartition(".")[2] or self.factory

    @property
    def modules_named(self) -> tuple[str, ...]:
        return (self.factory.partition(":")[0],)

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import load_pretrained

        return load_pretrained(self, dataset, making.device)

    def load(self) -> "tuple[nn.Module, tuple[str, ...] | None]":
        """The network with its weights; nothing is known of its classes."""
        from prediction_difference.classifiers.pretrained import from_factory, load_weights

        network = from_factory(self.factory)
        load_weights(network, self.weights)
        return network, None

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        from prediction_difference.classifiers.pretrained import from_factory

        return from_factory(self.factory)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        from prediction_difference.classifiers.pretrained import from_factory

        return from_factory(self.factory)

    def files_behind(self) -> list[Path]:
        module = self.factory.partition(":")[0].replace(".", "/")
        places = [Path(place) / f"{module}.py" for place in sys.path]
        return [*places, self.weights, *([self.class_names] if self.class_names else [])]

    def check_files(self, where: str) -> list[Problem]:
        weights = check_weights(where, self.weights)
        return [*weights, *check_class_names(where, self.class_names)]

    def names_of_classes(self, known: "Catalogue") -> tuple[str, ...] | None:
        if self.class_names is None:
            return known.class_names
        return named_classes(self.class_names)
