"""Loading a classifier that was made before."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.classifiers.card import (
    CARD,
    HISTORY,
    PREDICTIONS,
    SHIFTS,
    WEIGHTS,
    Card,
    checkpoint_file,
)
from prediction_difference.classifiers.kind import Classifier
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.errors import StoreError
from prediction_difference.families import CLASSIFIERS
from prediction_difference.files import folder_of
from prediction_difference.manifest import read_file

if TYPE_CHECKING:
    from torch import nn


def load_module(folder: Path, card: Card, split: str, image: int | None = None) -> "nn.Module":
    """The classifier as a torch module in evaluation mode: (N, C, *spatial) -> (N, K) scores.

    image: see `load_linear`.
    """
    return settings_of(card).module(folder, card, split, image)


def module_with(weights: Mapping[str, np.ndarray], card: Card, split: str) -> "nn.Module":
    """The network of a card with these weights, for images of a split; in evaluation mode."""
    import torch

    from prediction_difference.classifiers import networks

    bare = settings_of(card).bare(card, weights)
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
    if not card.is_linear:
        raise StoreError(folder, f"holds a classifier of kind {card.kind!r}", "use engine: dense")
    tensors = weights_of(folder, card, split)
    linear = LinearClassifier(tensors["weight"], float(tensors["intercept"].item()))
    if image is None or SHIFTS not in tensors:
        return linear
    return linear.shifted(float(tensors[SHIFTS][image]))


def load_checkpoint(folder: Path, card: Card, epoch: int) -> dict[str, np.ndarray]:
    """Weights of a trained network after an epoch, named <split>/<tensor>.

    Raises:
        StoreError: they were not kept, or are not its card's.
    """
    if epoch not in card.checkpoints:
        kept = ", ".join(map(str, card.checkpoints)) or "none"
        what = f"classifier {card.name!r} keeps no checkpoint of epoch {epoch}, but of {kept}"
        raise StoreError(folder, what, "add it to its checkpoints, and train it again")
    return _read_weights(checkpoint_file(folder, epoch), folder_of(folder) / CARD)


def weights_of(folder: Path, card: Card, split: str) -> dict[str, np.ndarray]:
    """The part of the weights that serves a split, by tensor; raises what `all_weights` says."""
    return part_of(all_weights(folder, card), card.weights_for(split))


def all_weights(folder: Path, card: Card) -> dict[str, np.ndarray]:
    """All weights, named <part>/<tensor>.

    Raises:
        StoreError: they are missing, or not its card's.
    """
    return _read_weights(folder_of(folder) / WEIGHTS, folder_of(folder) / CARD)


def _read_weights(file: Path, card: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load

    again = "make the classifier again"
    content = read_file(file, card, again)
    try:
        tensors: dict[str, np.ndarray] = load(content)
    except Exception as error:
        raise StoreError(file, f"cannot be read ({error})", again) from error
    return tensors


def part_of(weights: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """Weights named <part>/<tensor> -> those of a part, by tensor."""
    prefix = f"{part}/"
    return {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}


def settings_of(card: Card) -> Classifier:
    """What the network is built from: a checkpoint has that of its training."""
    found: Classifier = CLASSIFIERS.read(card.training_settings)
    return found


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
    content = read_file(file, file.with_name(CARD), again)
    try:
        return read(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise StoreError(file, f"cannot be read ({error})", again) from error
