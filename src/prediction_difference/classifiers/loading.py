"""Loading a classifier that was made before."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

from prediction_difference.classifiers.card import PREDICTIONS, WEIGHTS, Card
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.config import model
from prediction_difference.errors import StoreError
from prediction_difference.stores import array_digest, digest, folder_of, settings_digest

if TYPE_CHECKING:
    from torch import nn


def load_module(folder: Path, card: Card, split: str) -> "nn.Module":
    """The classifier as a torch module in evaluation mode: (N, C, *spatial) -> (N, K) scores."""
    import torch

    from prediction_difference.classifiers import networks, pretrained
    from prediction_difference.classifiers.linear_module import LinearModule

    if card.kind == "logistic-regression":
        return LinearModule(load_linear(folder, card, split)).eval()
    settings = _settings_of(card)
    if isinstance(settings, model.TrainedNetwork):
        bare = networks.build(settings, card.input_shape[0], len(card.class_names))
    else:
        bare = pretrained.build(settings)
    applied = card.normalisation.get(card.weights_for(split))
    normalisation = applied and model.Normalisation.model_validate(applied)
    network = networks.with_preprocessing(bare, normalisation or None)
    tensors = {name: torch.from_numpy(a) for name, a in _weights_of(folder, card, split).items()}
    network.load_state_dict(tensors)
    return network.eval()


def load_linear(folder: Path, card: Card, split: str) -> LinearClassifier:
    """A logistic regression that was fitted without a split.

    Raises:
        StoreError: the classifier is of another kind, or its weights are not its card's.
    """
    if card.kind != "logistic-regression":
        raise StoreError(folder, f"holds a classifier of kind {card.kind!r}", "use engine: dense")
    tensors = _weights_of(folder, card, split)
    return LinearClassifier(tensors["weight"], float(tensors["intercept"].item()))


def _weights_of(folder: Path, card: Card, split: str) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    file = folder_of(folder) / WEIGHTS
    try:
        tensors = load_file(file)
    except Exception as error:
        raise StoreError(file, f"cannot be read ({error})", "make the classifier again") from error
    if array_digest(tensors) != card.weights_digest:
        raise StoreError(file, "does not belong to the card beside it", "make the classifier again")
    prefix = card.weights_for(split) + "/"
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _settings_of(card: Card) -> Any:
    return TypeAdapter(model.Classifier).validate_python(card.settings)


def read_predictions(path: Path) -> Any:
    """Data frame with one row per image: image, split, label, predicted, probabilities.

    Raises:
        StoreError: it is missing or damaged.
    """
    import pandas

    file = folder_of(path) / PREDICTIONS
    try:
        return pandas.read_parquet(file)
    except (OSError, ValueError) as error:
        raise StoreError(file, f"cannot be read ({error})", "make the classifier again") from error


def classifier_digest(card: Card) -> str:
    """Digest of everything about a classifier that a map depends on."""
    facts = {"classes": card.class_names, "instances": card.training_instances}
    return digest(
        card.weights_digest, card.scores_digest, card.dataset_digest, settings_digest(facts)
    )
