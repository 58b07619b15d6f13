"""Training of detection-pooling networks, and of relevance models beside them."""

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prediction_difference.classifiers.detection_pooling import DETECTED, DetectionPooling
from prediction_difference.classifiers.kinds.detection_pooling import DetectionPoolingNetwork
from prediction_difference.classifiers.networks import Preprocessed
from prediction_difference.classifiers.training import (
    Examples,
    Trained,
    accuracy,
    augmented,
    shuffled,
    tensors_of,
)
from prediction_difference.errors import DataError
from prediction_difference.progress import track

_AT_ONCE = 1000
"""Images that are looked at together."""


def train_detection(
    network: nn.Module,
    training: Examples,
    testing: Examples,
    settings: DetectionPoolingNetwork,
    seed: int,
    device: str,
) -> Trained:
    """Train in place by stochastic gradient descent on squared errors [montavon2017, 6.1].

    network: preprocessing and a `DetectionPooling`. Its relevance models learn in the same steps
    to predict the relevance of the first layer's pools [section 5.1], and change nothing of it. The
    weights are in the end those with the least squared error on the last training images of each
    class, which are never learnt from. Records of the history: iteration, loss (mean squared error
    since the last record), validation_loss, relevance_loss (of the best model on these images, as a
    share of the mean square of what it predicts; None without models), test_accuracy, best (whether
    the weights are those that were kept).

    Raises:
        DataError: the steps were so long that no detector is left.
    """
    network.to(device).train()
    learning, validation = _parted(training, settings.validation)
    optimiser = _optimiser(network, settings)
    images = torch.from_numpy(learning.images).to(device)
    targets = torch.from_numpy(learning.labels == DETECTED).to(device) * settings.target
    epochs = itertools.count()
    batches = (b for e in epochs for b in shuffled(len(images), settings.batch_size, seed, e))
    history: list[dict[str, Any]] = []
    kept, loss_sum = tensors_of(network), 0.0
    for iteration in track(range(1, settings.iterations + 1), "training"):
        batch, generator = next(batches)
        shown = augmented(images[batch], generator, shift=settings.shift)
        loss_sum += _step(network, shown, targets[batch], optimiser)
        if iteration % settings.check_every and iteration < settings.iterations:
            continue
        error, relevance_error = _errors(network, validation, settings.target, device)
        if not np.isfinite(error):
            what = f"after {iteration} steps the output is 0 or not finite for all images"
            raise DataError("training", what, "lower learning_rate")
        if not history or error < min(record["validation_loss"] for record in history):
            kept = tensors_of(network)
        since = iteration - (history[-1]["iteration"] if history else 0)
        record: dict[str, Any] = {
            "iteration": iteration,
            "loss": loss_sum / since,
            "validation_loss": error,
        }
        record |= {"relevance_loss": relevance_error}
        record |= {"test_accuracy": accuracy(network, testing, device), "best": False}
        history.append(record)
        loss_sum = 0.0
        network.train()
        if settings.patience and len(history) - 1 - _best(history) >= settings.patience:
            break
    history[_best(history)]["best"] = True
    network.load_state_dict({name: torch.from_numpy(array) for name, array in kept.items()})
    network.eval()
    return Trained(history, {})


def _optimiser(network: nn.Module, settings: DetectionPoolingNetwork) -> torch.optim.Optimizer:
    """Stochastic gradient descent, with a rate of its own for relevance models."""
    models = [p for one in _parts(network)[1].models for p in one.parameters()]
    own = {id(p) for p in models}
    others = [p for p in network.parameters() if p.requires_grad and id(p) not in own]
    rate = settings.relevance_learning_rate or settings.learning_rate
    groups: list[dict[str, Any]] = [{"params": others}, {"params": models, "lr": rate}]
    return torch.optim.SGD(groups, lr=settings.learning_rate)


def _parted(examples: Examples, share: float) -> tuple[Examples, Examples]:
    """What is learnt from, and what is only looked at: the last images of each class."""
    is_last = np.zeros(len(examples.labels), dtype=bool)
    for label in np.unique(examples.labels):
        members = np.flatnonzero(examples.labels == label)
        is_last[members[len(members) - max(1, round(share * len(members))) :]] = True
    learning, validation = (
        Examples(examples.images[part], examples.labels[part]) for part in (~is_last, is_last)
    )
    return learning, validation


def _step(
    network: nn.Module, images: Tensor, targets: Tensor, optimiser: torch.optim.Optimizer
) -> float:
    """One step along all gradients; the network's mean squared error before it."""
    bare = _parts(network)[1]
    loss = (network(images)[:, DETECTED] - targets).square().mean()
    total = loss
    if bare.models:
        x, upper, relevance = _relevance(network, images)
        for one in bare.models:
            total = total + (one(x, upper) - relevance).square().sum(1).mean()
    optimiser.zero_grad()
    total.backward()
    optimiser.step()
    bare.constrain()
    return float(loss.detach())


def _relevance(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs of relevance models, and what they are to predict."""
    preprocessing, bare = _parts(network)
    with torch.no_grad():
        x = bare.flatten(preprocessing(images))
        return x, bare.upper_detectors(x), bare.true_relevance(x)


def _parts(network: nn.Module) -> tuple[nn.Module, DetectionPooling]:
    """Preprocessing, and what comes behind it."""
    assert isinstance(network, Preprocessed)
    assert isinstance(network.network, DetectionPooling)
    return network.preprocessing, network.network


def _errors(
    network: nn.Module, examples: Examples, target: float, device: str
) -> tuple[float, float | None]:
    """Mean squared error of the network, and of its best relevance model as a share of the power.

    On images that are not learnt from; None without relevance models. Infinite where no image has
    any output, which no step changes any more.
    """
    models = _parts(network)[1].models
    error, relevance_errors, power, largest = 0.0, np.zeros(len(models)), 0.0, 0.0
    batches = (torch.from_numpy(a).split(_AT_ONCE) for a in (examples.images, examples.labels))
    for images, labels in zip(*batches, strict=True):
        shown, wanted = images.to(device), (labels.to(device) == DETECTED) * target
        with torch.no_grad():
            output = network(shown)[:, DETECTED]
            error += float((output - wanted).square().sum())
            largest = max(largest, float(output.max()))
            x, upper, relevance = _relevance(network, shown)
            power += float(relevance.square().sum())
            squares = [(one(x, upper) - relevance).square().sum() for one in models]
            relevance_errors += np.array([float(one) for one in squares])
    relative = float(relevance_errors.min() / power) if models and power else None
    return error / len(examples.labels) if largest > 0 else np.inf, relative


def _best(history: list[dict[str, Any]]) -> int:
    """Number of the record with the least error."""
    return int(np.argmin([record["validation_loss"] for record in history]))
