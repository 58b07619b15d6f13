"""Two layers of detection and pooling that detect one of two classes [montavon2017, 6.1]."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.errors import DataError
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


class DetectionPoolingNetwork(Classifier):
    """Two layers of detection and pooling that detect one of two classes [montavon2017, 6.1]."""

    is_of_two: ClassVar[bool] = True

    kind: Literal["detection-pooling"]
    dataset: Name = Field(description="of two classes; the second one is detected")
    detectors: int = Field(400, ge=1, description="of each of the two layers")
    pooled: int = Field(
        100, ge=1, description="units of the first layer, sums of as many detectors each"
    )
    target: float = Field(
        100.0, gt=0, description="output where the class is present; where it is absent, 0"
    )
    relevance_models: int = Field(
        0, ge=0, description="min-max relevance models trained beside it, from different weights"
    )
    iterations: int = Field(300_000, ge=1, description="steps of gradient descent, at most")
    batch_size: int = Field(20, ge=1)
    learning_rate: float = Field(2e-5, gt=0)
    relevance_learning_rate: float | None = Field(
        None, gt=0, description="of relevance models; null: learning_rate"
    )
    validation: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the training images, the last of each class, that only tell when to "
        "stop; of mnist-pairs at most 0.1, whose digits are in no other pair",
    )
    shift: int = Field(
        2, ge=0, description="move every training image by up to so many pixels, edges repeated"
    )
    check_every: int = Field(1000, ge=1, description="steps between looks at these images")
    patience: int | None = Field(
        None,
        ge=1,
        description="looks without improvement after which training stops; null: never. The best "
        "weights are kept anyway",
    )

    @model_validator(mode="after")
    def _pools(self) -> "DetectionPoolingNetwork":
        if self.detectors % self.pooled:
            raise ValueError(
                f"{self.detectors} detectors do not part into {self.pooled} pools; set pooled to a "
                "divisor of detectors"
            )
        return self

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import fit_networks

        count = len(dataset.class_names)
        if count != 2:
            what = f"detects one of two classes, the dataset has {count}"
            raise DataError(self.kind, what, "choose another dataset, or another kind")
        return fit_networks(self, dataset, making.key, making.device)

    def normalisation_for(self, dataset: "Dataset", used: "np.ndarray") -> "Normalisation":
        """Black is -0.5 and white 1.5 [montavon2017, section 6.1]."""
        from prediction_difference.classifiers.normalisation import Normalisation

        channels = dataset.channels
        return Normalisation(mean=(0.5,) * channels, std=(1.0,) * channels, scale=2)

    def trained_on(
        self, network: "nn.Module", learning: "Examples", testing: "Examples", key: int, device: str
    ) -> "Trained":
        """Train a network in place."""
        from prediction_difference.classifiers.detection_training import train_detection

        return train_detection(network, learning, testing, self, key, device)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        from prediction_difference.classifiers.networks import build

        return build(self, shape, classes)

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        return self.empty_network(card.input_shape, len(card.class_names))
