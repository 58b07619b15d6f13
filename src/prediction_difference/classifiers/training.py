"""Training a network of the package."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prediction_difference import randomness
from prediction_difference.config import model
from prediction_difference.progress import track

_BATCH_BYTES = 16 * 2**20
"""Of images that are classified at once: networks hold some fifty times as much inside."""
_LARGEST_BATCH = 256


@dataclass(frozen=True)
class Examples:
    """images: (n, C, *spatial) float32; labels: (n,) class numbers."""

    images: np.ndarray
    labels: np.ndarray


def train(
    network: nn.Module,
    training: Examples,
    testing: Examples,
    settings: model.TrainedNetwork,
    seed: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train in place with AdamW and a one-cycle schedule; return one record per epoch.

    A record holds epoch, loss (mean over training images), training_accuracy, test_accuracy. The
    test images are only counted, never learnt from: the last epoch is the result.
    """
    network.to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=settings.learning_rate,
        epochs=settings.epochs,
        steps_per_epoch=-(-len(training.labels) // settings.batch_size),
    )
    images = torch.from_numpy(training.images).to(device)
    labels = torch.from_numpy(training.labels).to(device)
    history = []
    for epoch in track(range(settings.epochs), "training"):
        loss_sum = correct = 0.0
        network.train()
        for batch in _batches(len(labels), settings.batch_size, seed, epoch):
            loss, right = _step(network, images[batch], labels[batch], optimiser)
            schedule.step()
            loss_sum += loss * len(batch)
            correct += right
        history.append(
            {
                "epoch": epoch + 1,
                "loss": loss_sum / len(labels),
                "training_accuracy": correct / len(labels),
                "test_accuracy": accuracy(network, testing, device),
            }
        )
    network.eval()
    return history


def _step(
    network: nn.Module, images: Tensor, labels: Tensor, optimiser: torch.optim.Optimizer
) -> tuple[float, float]:
    """One step along the gradient; the mean loss before it, and how many images were right."""
    scores = network(images)
    loss = nn.functional.cross_entropy(scores, labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach()), float((scores.argmax(1) == labels).sum())


def _batches(count: int, size: int, seed: int, epoch: int) -> Iterator[Tensor]:
    order = torch.from_numpy(randomness.generator(seed, epoch).permutation(count))
    yield from order.split(size)


def accuracy(network: nn.Module, examples: Examples, device: str) -> float:
    """Share of examples whose highest score is that of their label; NaN without examples."""
    if len(examples.labels) == 0:
        return float("nan")
    predicted = class_scores(network, examples.images, device).argmax(1)
    return float((predicted == examples.labels).mean())


def class_scores(network: nn.Module, images: np.ndarray, device: str) -> np.ndarray:
    """(n, C, *spatial) images -> (n, K) class scores, in evaluation mode."""
    network.to(device).eval()
    fitting = _BATCH_BYTES // max(1, images[:1].nbytes)
    with torch.inference_mode():
        batches = torch.from_numpy(images).split(int(np.clip(fitting, 1, _LARGEST_BATCH)))
        return np.concatenate([network(batch.to(device)).cpu().numpy() for batch in batches])
