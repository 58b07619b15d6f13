"""Loading a classifier that was made before."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.classifiers.card import (
    CARD,
    HISTORY,
    PREDICTIONS,
    SHIFTS,
    WEIGHTS,
    Card,
    checkpoint_file,
)
from prediction_difference.classifiers.kinds.detection_pooling import DetectionPoolingNetwork
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.errors import StoreError
from prediction_difference.families import CLASSIFIERS
from prediction_difference.listings import appears
from prediction_difference.seals import read_sealed
from prediction_difference.stores import array_digest, digest, folder_of, settings_digest

if TYPE_CHECKING:
    from torch import nn


def load_module(folder: Path, card: Card, split: str, image: int | None = None) -> "nn.Module":
    """The classifier as a torch module in evaluation mode: (N, C, *spatial) -> (N, K) scores.

    image: see `load_linear`.
    """
    if card.kind == "logistic-regression":
        from prediction_difference.classifiers.linear_module import LinearModule

        return LinearModule(load_linear(folder, card, split, image)).eval()
    if card.kind == "scikit-learn":
        return _load_estimator(folder, card, split)
    return module_with(_weights_of(folder, card, split), card, split)


def _load_estimator(folder: Path, card: Card, split: str) -> "nn.Module":
    from prediction_difference.classifiers import estimators

    weights = _read_weights(folder_of(folder) / WEIGHTS, card.weights_digest)
    part, classes = card.weights_for(split), len(card.class_names)
    seed = randomness.key(card.seed, "classifier", card.name)
    return estimators.load(_settings_of(card), weights, part, classes, seed, folder)


def module_with(weights: Mapping[str, np.ndarray], card: Card, split: str) -> "nn.Module":
    """The network of a card with these weights, for images of a split; in evaluation mode."""
    import torch

    from prediction_difference.classifiers import fine_tuning, networks, pretrained

    settings = _settings_of(card)
    if isinstance(settings, TrainedNetwork | DetectionPoolingNetwork):
        bare = networks.build(settings, card.input_shape, len(card.class_names))
    elif isinstance(settings, FineTunedNetwork):
        maps = weights[fine_tuning.FIRST].shape[1]
        head = fine_tuning.new_head(settings, maps, len(card.class_names))
        bare = fine_tuning.FineTuned(fine_tuning.build_body(settings), head)
    else:
        bare = pretrained.build(settings)
    applied = card.normalisation.get(card.weights_for(split))
    normalisation = applied and Normalisation.model_validate(applied)
    network = networks.with_preprocessing(bare, normalisation or None)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return network.eval()


def load_linear(folder: Path, card: Card, split: str, image: int | None = None) -> LinearClassifier:
    """A logistic regression that was fitted without a split.

    image: whose confounds it is for, as its position in the dataset; None: average ones. Without
    confounds it plays no part.

    Raises:
        StoreError: the classifier is of another kind, or its weights are not its card's.
    """
    if card.kind != "logistic-regression":
        raise StoreError(folder, f"holds a classifier of kind {card.kind!r}", "use engine: dense")
    tensors = _weights_of(folder, card, split)
    linear = LinearClassifier(tensors["weight"], float(tensors["intercept"].item()))
    if image is None or SHIFTS not in tensors:
        return linear
    return linear.shifted(float(tensors[SHIFTS][image]))


def load_checkpoint(folder: Path, card: Card, epoch: int) -> dict[str, np.ndarray]:
    """Weights of a trained network after an epoch, named <split>/<tensor>.

    Raises:
        StoreError: they were not kept, or are not its card's.
    """
    if str(epoch) not in card.checkpoints:
        kept = ", ".join(card.checkpoints) or "none"
        what = f"classifier {card.name!r} keeps no checkpoint of epoch {epoch}, but of {kept}"
        raise StoreError(folder, what, "add it to its checkpoints, and train it again")
    return _read_weights(checkpoint_file(folder, epoch), card.checkpoints[str(epoch)])


def _weights_of(folder: Path, card: Card, split: str) -> dict[str, np.ndarray]:
    tensors = _read_weights(folder_of(folder) / WEIGHTS, card.weights_digest)
    return part_of(tensors, card.weights_for(split))


def _read_weights(file: Path, expected: str) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    appears(file)
    try:
        tensors: dict[str, np.ndarray] = load_file(file)
    except Exception as error:
        raise StoreError(file, f"cannot be read ({error})", "make the classifier again") from error
    if array_digest(tensors) != expected:
        raise StoreError(file, "does not belong to the card beside it", "make the classifier again")
    return tensors


def part_of(weights: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """Weights named <part>/<tensor> -> those of a part, by tensor."""
    prefix = f"{part}/"
    return {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}


def _settings_of(card: Card) -> Any:
    """What the network is built from: a checkpoint has that of its training."""
    return CLASSIFIERS.read(card.training_settings)


def read_predictions(path: Path) -> Any:
    """Data frame with one row per image: image, split, label, predicted, probabilities.

    Checkpoints are tried on held-out images only; of others, predicted is -1, probabilities NaN.

    Raises:
        StoreError: it is missing or damaged.
    """
    import pandas

    return _read_table(folder_of(path) / PREDICTIONS, pandas.read_parquet)


def read_history(path: Path) -> Any:
    """Data frame with one row per split and epoch of a training: see `training.Trained`.

    Raises:
        StoreError: it is missing or damaged.
    """
    import pandas

    return _read_table(folder_of(path) / HISTORY, pandas.read_csv)


def _read_table(file: Path, read: Callable[[io.BytesIO], Any]) -> Any:
    again = "make the classifier again"
    content = read_sealed(file, file.with_name(CARD), again)
    try:
        return read(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise StoreError(file, f"cannot be read ({error})", again) from error


def classifier_digest(card: Card) -> str:
    """Digest of everything about a classifier that a map depends on."""
    facts = {"classes": card.class_names, "instances": card.training_instances}
    return digest(
        card.weights_digest, card.scores_digest, card.dataset_digest, settings_digest(facts)
    )
