"""A network of the package, trained in the pipeline."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.classifiers.normalisation import Normalisation
    from prediction_difference.classifiers.training import Examples, Trained
    from prediction_difference.data.dataset import Dataset


class TrainedNetwork(Classifier):
    """A network of the package, trained in the pipeline."""

    kind: Literal["train"]
    dataset: Name
    architecture: Literal["all-convolutional", "volume-convolutional"] = Field(
        "all-convolutional", description="for 2-D images, or for volumes"
    )
    width: int = Field(32, ge=1, description="feature maps of the first block; others have 2x")
    halvings: int = Field(
        1,
        ge=1,
        description="times that the resolution is halved, each followed by two convolutions; 2 for "
        "images of 32 x 32 pixels",
    )
    pooling: Literal["strides", "max"] = Field(
        "strides",
        description="how the resolution is halved: by convolutions with a stride of 2, or by the "
        "largest of 2 x 2 values, whose places make deconvolution depend on the image",
    )
    dropout: float = Field(0.2, ge=0, lt=1)
    epochs: int = Field(30, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(3e-3, gt=0, description="peak of the one-cycle schedule (AdamW)")
    weight_decay: float = Field(1e-2, ge=0)
    flip: bool = Field(False, description="mirror every training image with a chance of one half")
    shift: int = Field(
        0, ge=0, description="move every training image by up to so many pixels, edges repeated"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of the passes of training; on a CPU with AMX, bfloat16 took less than half "
        "the time",
    )
    checkpoints: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (),
        description="epochs after which the weights are kept, 0 for those before training; "
        "classifiers of kind: checkpoint are made of them",
    )

    @model_validator(mode="after")
    def _checkpoints_come(self) -> "TrainedNetwork":
        late = [epoch for epoch in self.checkpoints if epoch > self.epochs]
        if late:
            raise ValueError(
                f"there is no checkpoint after epoch {late[0]}, training ends with epoch "
                f"{self.epochs}; lower it, or raise epochs"
            )
        return self

    @model_validator(mode="after")
    def _volumes_have_fewer_keys(self) -> "TrainedNetwork":
        if self.architecture == "volume-convolutional":
            asked = {"pooling": self.pooling == "max", "flip": self.flip, "shift": self.shift > 0}
            wrong = [key for key, is_asked in asked.items() if is_asked]
            if wrong:
                raise ValueError(f"{wrong[0]} is for 2-D images, not for volumes; remove it")
        return self

    def moment(self, name: str) -> tuple[str, int]:
        return name, self.epochs

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from super().problems(where, lookup)
        dataset = lookup.entry("datasets", self.dataset)
        takes_volumes = self.architecture == "volume-convolutional"
        if dataset is None or takes_volumes == dataset.is_volume:
            return
        what = "volumes" if takes_volumes else "2-D images"
        holds = "2-D images" if takes_volumes else "volumes"
        others = "all-convolutional" if takes_volumes else "volume-convolutional"
        yield Problem(
            f"{where}.architecture",
            f"{self.architecture!r} takes {what}, {self.dataset!r} holds {holds}",
            f"set it to {others}, or choose another kind of classifier",
        )

    @property
    def architecture_name(self) -> str:
        return f"{self.architecture}-{self.width}-{self.halvings}"

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import fit_networks

        return fit_networks(self, dataset, making.key, making.device)

    def normalisation_for(self, dataset: "Dataset", used: "np.ndarray") -> "Normalisation":
        """By the moments of the images that are for training."""
        import numpy as np

        from prediction_difference.classifiers.normalisation import Normalisation
        from prediction_difference.data.dataset import channel_moments

        mean, std = channel_moments(dataset.images[:], used)
        return Normalisation(mean=tuple(mean.tolist()), std=tuple(np.maximum(std, 1e-6).tolist()))

    def trained_on(
        self, network: "nn.Module", learning: "Examples", testing: "Examples", key: int, device: str
    ) -> "Trained":
        """Train a network in place."""
        from prediction_difference.classifiers.training import train

        return train(network, learning, testing, self, key, device)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        from prediction_difference.classifiers.networks import build

        return build(self, shape, classes)

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        return self.empty_network(card.input_shape, len(card.class_names))
