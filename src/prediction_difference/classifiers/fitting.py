"""Networks that are fitted in the pipeline, or loaded and tried on the dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from prediction_difference.classifiers.card import ANY_SPLIT, Card, read_card
from prediction_difference.classifiers.fitted import Fitted, refuse_unfit
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.classifiers.pretrained import Pretrained
from prediction_difference.data.class_names import read_class_names
from prediction_difference.data.dataset import TRAIN, Dataset
from prediction_difference.errors import DataError
from prediction_difference.stores import refuse_other_config

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.training import Examples, Trained


class LearnsHere(Protocol):
    """A kind whose networks are trained in the pipeline."""

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module":
        """A network with random weights."""

    def normalisation_for(self, dataset: Dataset, used: np.ndarray) -> Normalisation:
        """Of the images, (n,) bool of which are for training."""

    def trained_on(
        self, network: "nn.Module", learning: "Examples", testing: "Examples", key: int, device: str
    ) -> "Trained":
        """Train a network in place."""


def fit_networks(settings: LearnsHere, dataset: Dataset, key: int, device: str) -> Fitted:
    """One network per held-out split, trained on all other images."""
    import torch

    from prediction_difference.classifiers import networks, training

    weights: dict[str, np.ndarray] = {}
    instances: dict[str, int] = {}
    history: list[dict[str, Any]] = []
    classes = len(dataset.class_names)
    scores = np.zeros((len(dataset.names), classes), dtype=np.float32)
    normalisation = {}
    checkpoints: dict[int, dict[str, np.ndarray]] = {}
    for split in dataset.held_out_splits:
        out = dataset.in_split(split)
        refuse_unfit(dataset, ~out, split)
        normalisation[split] = settings.normalisation_for(dataset, ~out)
        learning = training.Examples(dataset.images[~out], dataset.labels[~out])
        testing = training.Examples(dataset.images[out], dataset.labels[out])
        with torch.random.fork_rng():
            torch.manual_seed(key)
            bare = settings.empty_network(dataset.images.shape[1:], classes)
            network = networks.with_preprocessing(bare, normalisation[split])
            trained = settings.trained_on(network, learning, testing, key, device)
        weights |= _named(split, training.tensors_of(network))
        for epoch, tensors in trained.kept.items():
            checkpoints.setdefault(epoch, {}).update(_named(split, tensors))
        instances[split] = int((~out).sum())
        history += [{"split": split, **record} for record in trained.history]
        scored = out | dataset.in_split(TRAIN)
        scores[scored] = training.class_scores(network, dataset.images[scored], device)
    return Fitted(
        weights, instances, scores, history, dataset.class_names, normalisation, checkpoints
    )


def fine_tune(settings: FineTunedNetwork, dataset: Dataset, key: int, device: str) -> Fitted:
    """New layers behind those of a known network, trained on what these give, split by split."""
    import torch

    from prediction_difference.classifiers import fine_tuning, networks, training

    body = networks.with_preprocessing(fine_tuning.load_body(settings), settings.normalisation)
    features = _try_on(
        body, dataset, lambda: training.class_scores(body, dataset.images[:], device), places=True
    )
    weights: dict[str, np.ndarray] = {}
    instances: dict[str, int] = {}
    history: list[dict[str, Any]] = []
    scores = np.zeros((len(dataset.names), len(dataset.class_names)), dtype=np.float32)
    for split in dataset.held_out_splits:
        out = dataset.in_split(split)
        refuse_unfit(dataset, ~out, split)
        with torch.random.fork_rng():
            torch.manual_seed(key)
            head = fine_tuning.new_head(settings, features.shape[1], len(dataset.class_names))
            learning = training.Examples(features[~out], dataset.labels[~out])
            testing = training.Examples(features[out], dataset.labels[out])
            found = training.train(
                head, learning, testing, fine_tuning.of_head(settings), key, device
            )
        whole = networks.with_preprocessing(
            fine_tuning.FineTuned(fine_tuning.load_body(settings), head), settings.normalisation
        )
        weights |= _named(split, training.tensors_of(whole))
        instances[split] = int((~out).sum())
        history += [{"split": split, **record} for record in found.history]
        scored = out | dataset.in_split(TRAIN)
        scores[scored] = training.class_scores(head, features[scored], device)
    normalisation = dict.fromkeys(instances, settings.normalisation)
    return Fitted(weights, instances, scores, history, dataset.class_names, normalisation)


def _named(part: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{part}/{name}": tensor for name, tensor in tensors.items()}


def load_checkpoint(
    settings: Checkpoint, dataset: Dataset, seed: int, device: str, folder: Path | None
) -> Fitted:
    """The weights that a training kept after an epoch, tried on the held-out images."""
    from prediction_difference.classifiers import loading, training

    if folder is None:
        raise DataError("--trained", "is missing", f"give the folder of {settings.of!r}")
    card = read_card(folder)
    _refuse_another_training(card, settings, dataset, seed, folder)
    weights = loading.load_checkpoint(folder, card, settings.epoch)
    # Of training images, which are never explained, the history tells.
    scores = np.full((len(dataset.names), len(card.class_names)), np.nan, dtype=np.float32)
    for split in card.training_instances:
        network = loading.module_with(loading.part_of(weights, split), card, split)
        scored = dataset.in_split(split)
        scores[scored] = training.class_scores(network, dataset.images[scored], device)
    history = loading.read_history(folder)
    return Fitted(
        weights,
        card.training_instances,
        scores,
        history[history["epoch"] <= settings.epoch].to_dict("records"),
        card.class_names,
        {s: Normalisation.model_validate(n) for s, n in card.normalisation.items()},
        trained=card.settings,
    )


def _refuse_another_training(
    card: Card, settings: Checkpoint, dataset: Dataset, seed: int, folder: Path
) -> None:
    made_with = {"name": card.name, "dataset": card.dataset_digest, "seed": card.seed}
    wanted = {"name": settings.of, "dataset": dataset.digest, "seed": seed}
    refuse_other_config(folder, made_with, wanted)


def load_pretrained(settings: Pretrained, dataset: Dataset, device: str) -> Fitted:
    """A network with weights from elsewhere, tried on all images."""
    from prediction_difference.classifiers import networks, training

    bare, names = settings.load()
    network = networks.with_preprocessing(bare, settings.normalisation)
    scores = _try_on(
        network, dataset, lambda: training.class_scores(network, dataset.images[:], device)
    )
    if settings.class_names is not None:
        names = read_class_names(settings.class_names).names
    class_names = names or dataset.class_names
    if len(class_names) != scores.shape[1]:
        raise DataError(
            f"classifier of kind {settings.kind!r}",
            f"returns {scores.shape[1]} scores, but there are {len(class_names)} class names",
            "set class_names to a file with one name a line",
        )
    weights = _named(ANY_SPLIT, training.tensors_of(network))
    instances = {ANY_SPLIT: settings.training_instances}
    normalisation = {ANY_SPLIT: settings.normalisation} if settings.normalisation else {}
    return Fitted(weights, instances, scores, [], class_names, normalisation)


def _try_on(
    network: "nn.Module", dataset: Dataset, attempt: Any, places: bool = False
) -> np.ndarray:
    """Run a network on the dataset and say what does not fit, in the words of the user.

    places: whether it is to return maps, (N, C, y, x), instead of scores.
    """
    try:
        scores: np.ndarray = attempt()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"images of shape {tuple(dataset.images.shape[1:])}",
            f"the network does not take them ({reason})",
            "set size and channels of the dataset to what the network was trained with",
        ) from error
    if scores.ndim != (4 if places else 2) or not np.isfinite(scores).all():
        wanted = "maps of shape (images, maps, y, x); choose another layer" if places else ""
        raise DataError(
            "the network",
            f"returns an array of shape {scores.shape} or values that are not finite",
            f"return finite {wanted or 'class scores of shape (images, classes)'}",
        )
    return scores
