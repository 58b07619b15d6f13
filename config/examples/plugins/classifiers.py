"""A classifier of one's own: `kind: config.examples.plugins.classifiers:NearestMean`."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier, Making

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.data.dataset import Dataset


class NearestMean(Classifier):
    """The class whose mean image is nearest, as a network of one layer."""

    is_network: ClassVar[bool] = True

    sharpness: float = Field(1.0, gt=0, description="factor of the scores")

    def fit(self, dataset: "Dataset", making: Making) -> "Fitted":
        """A mean image for every class, for each held-out split without its images."""
        import numpy as np

        from prediction_difference.classifiers.fitted import Fitted
        from prediction_difference.data.dataset import TRAIN

        images = dataset.images[:].reshape(len(dataset.names), -1)
        classes = range(len(dataset.class_names))
        weights, instances, scores = {}, {}, np.zeros((len(images), len(classes)))
        for split in dataset.held_out_splits:
            used = ~dataset.in_split(split)
            means = np.stack([images[used & (dataset.labels == c)].mean(0) for c in classes])
            # Of -|x - m|^2, the part without m is the same for all classes.
            weights[f"{split}/1.weight"] = (2 * self.sharpness * means).astype(np.float32)
            bias = -self.sharpness * (means**2).sum(1)
            weights[f"{split}/1.bias"] = bias.astype(np.float32)
            instances[split] = int(used.sum())
            found = images @ weights[f"{split}/1.weight"].T + weights[f"{split}/1.bias"]
            held_out = dataset.in_split(split) | dataset.in_split(TRAIN)
            scores[held_out] = found[held_out]
        scores = scores.astype(np.float32)
        return Fitted(weights, instances, scores, [], dataset.class_names, {})

    def bare(self, card: "Card", weights: "Mapping[str, Any]") -> "nn.Module":
        """The module that the weights of a split are loaded into."""
        from torch import nn

        pixels = weights["1.weight"].shape[1]
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, len(card.class_names)))
