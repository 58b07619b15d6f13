"""What fitting a classifier gives, and what makes it impossible."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.data.dataset import UNLABELLED, Dataset
from prediction_difference.errors import DataError


@dataclass(frozen=True)
class Fitted:
    """What fitting gives: weights named <split>/<tensor>, and how it went.

    instances: per split, number of images that it was fitted on. scores: (n, K) of all images of
    the dataset, each by the weights that were fitted without it; NaN where it was not tried.
    history: one record a row.
    normalisation: per split, what the first layer applies; empty if nothing. checkpoints: weights
    after an epoch, by its number. trained: of a checkpoint, the settings of its training. measures:
    what else was found, for the card.
    """

    weights: Mapping[str, np.ndarray]
    instances: dict[str, int]
    scores: np.ndarray
    history: list[dict[str, Any]]
    class_names: tuple[str, ...]
    normalisation: dict[str, Normalisation]
    checkpoints: Mapping[int, Mapping[str, np.ndarray]] = field(default_factory=dict)
    trained: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)


def refuse_unfit(dataset: Dataset, used: np.ndarray, split: str) -> None:
    """Refuse a split whose complement, (n,) bool, cannot be fitted to.

    Raises:
        DataError: it is empty, lacks labels, or a class that the split has.
    """
    if not used.any():
        raise DataError(
            f"split {split!r}", "no images are left to train on", "set test_fraction or folds"
        )
    if (dataset.labels[used] == UNLABELLED).any():
        raise DataError("labels", "some training images have none", "put images in class folders")
    unseen = np.setdiff1d(dataset.labels[~used], dataset.labels[used])
    if (unseen != UNLABELLED).any():
        raise DataError(
            f"split {split!r}",
            f"all images of class {dataset.class_names[unseen.max()]!r} are in it, none is left to "
            "train on",
            "lower folds or leave test_fraction out, or add images",
        )
