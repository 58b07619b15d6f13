"""Training a network of the package."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prediction_difference import randomness
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.progress import track

_BATCH_BYTES = 16 * 2**20
"""Of images that are classified at once: networks hold some fifty times as much inside."""
_LARGEST_BATCH = 256


@dataclass(frozen=True)
class Examples:
    """images: (n, C, *spatial) float32; labels: (n,) class numbers."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Trained:
    """How training went.

    history: one record an epoch: epoch, loss (mean over training images), training_accuracy (of the
    images as they were shown, before each step), test_accuracy. kept: tensors of the network after
    an epoch, by its number, 0 for those before training.
    """

    history: list[dict[str, Any]]
    kept: dict[int, dict[str, np.ndarray]]


def train(
    network: nn.Module,
    training: Examples,
    testing: Examples,
    settings: TrainedNetwork,
    seed: int,
    device: str,
) -> Trained:
    """Train in place with AdamW and a one-cycle schedule.

    The test images are only counted, never learnt from: the last epoch is the result.
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
    kept = {0: tensors_of(network)} if 0 in settings.checkpoints else {}
    history = []
    for epoch in track(range(settings.epochs), "training"):
        loss_sum = correct = 0.0
        network.train()
        for batch, generator in shuffled(len(labels), settings.batch_size, seed, epoch):
            shown = augmented(images[batch], generator, settings.flip, settings.shift)
            loss, right = _step(network, shown, labels[batch], optimiser, settings.precision)
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
        if epoch + 1 in settings.checkpoints:
            kept[epoch + 1] = tensors_of(network)
    network.eval()
    return Trained(history, kept)


def tensors_of(network: nn.Module) -> dict[str, np.ndarray]:
    """A copy of everything that a network has learnt, by name."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def _step(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimiser: torch.optim.Optimizer,
    precision: str,
) -> tuple[float, float]:
    """One step along the gradient; the mean loss before it, and how many images were right."""
    is_low = precision == "bfloat16"
    # Low precision is fast in this order of memory only.
    innermost = torch.channels_last_3d if images.ndim == 5 else torch.channels_last
    images = images.contiguous(memory_format=innermost) if is_low else images
    with torch.autocast(images.device.type, torch.bfloat16, enabled=is_low):
        scores = network(images).float()
    loss = nn.functional.cross_entropy(scores, labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach()), float((scores.argmax(1) == labels).sum())


def shuffled(
    count: int, size: int, seed: int, epoch: int
) -> Iterator[tuple[Tensor, np.random.Generator]]:
    """Numbers of the images of each batch of an epoch, and what is random about them."""
    generator = randomness.generator(seed, epoch)
    order = torch.from_numpy(generator.permutation(count))
    for batch in order.split(size):
        yield batch, generator


def augmented(
    images: Tensor, generator: np.random.Generator, flip: bool = False, shift: int = 0
) -> Tensor:
    """(n, C, y, x) images, half of them mirrored, all of them moved by up to `shift` pixels."""
    if flip:
        chosen = torch.from_numpy(generator.random(len(images)) < 0.5).to(images.device)
        images = torch.where(chosen.view(-1, 1, 1, 1), images.flip(-1), images)
    if shift:
        offsets = generator.integers(0, 2 * shift, (2, len(images)), endpoint=True)
        images = moved(images, torch.from_numpy(offsets).to(images.device) - shift)
    return images


def moved(images: Tensor, offsets: Tensor) -> Tensor:
    """(n, C, y, x) images, (2, n) pixels down and right -> images moved so; edges are repeated."""
    height, width = images.shape[-2:]
    number = torch.arange(len(images), device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
    y = torch.arange(height, device=images.device) - offsets[0].view(-1, 1)
    x = torch.arange(width, device=images.device) - offsets[1].view(-1, 1)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    return images[number, channel, y[:, None, :, None], x[:, None, None, :]]


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
