"""What is measured on: images that look like photographs to a prior, and networks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference import randomness
from prediction_difference.benchmark.settings import BenchmarkSettings, Network
from prediction_difference.classifiers.normalisation import NORMALISATIONS
from prediction_difference.errors import DataError
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import ConditionalSampler

if TYPE_CHECKING:
    import torch
    from torch import nn

_CHANNEL_CORRELATION = 0.9
_MEAN, _DEVIATION = 0.45, 0.22
_IMAGES_OF_PRIOR = 8
_CALIBRATION_IMAGES = 4
_SCORE_DEVIATION = 2.5
"""Of the class scores over the classes, about that of trained networks."""


@dataclass(frozen=True)
class Inputs:
    """image: (3, side, side) in 0 to 1. sampler: draws contents of its windows."""

    image: np.ndarray
    sampler: ConditionalSampler


def make_inputs(settings: BenchmarkSettings, side: int, window: int, patch: int) -> Inputs:
    """The image to explain, and a conditional sampler whose prior has seen others like it."""
    others = np.stack([natural_image(settings.seed + 1 + n, side) for n in range(_IMAGES_OF_PRIOR)])
    prior = GaussianPatchPrior.fit(
        others, patch=patch, patches=settings.patches, seed=settings.seed
    )
    return Inputs(explained_image(settings, side), ConditionalSampler(prior, window))


def natural_image(seed: int, side: int, dimensions: int = 2, channels: int = 3) -> np.ndarray:
    """(channels, *side^d) noise in 0 to 1 with the 1/f amplitudes of photographs."""
    return coloured_noise(seed, (side,) * dimensions, channels)


def coloured_noise(seed: int, shape: tuple[int, ...], channels: int) -> np.ndarray:
    """(channels, *shape) float32 in 0 to 1, amplitudes 1/f, channels alike."""
    generator = randomness.generator(randomness.key(seed, "natural image", str(shape)))
    noise = generator.standard_normal((channels + 1, *shape))
    common = np.sqrt(_CHANNEL_CORRELATION) * noise[:1]
    noise = common + np.sqrt(1 - _CHANNEL_CORRELATION) * noise[1:]
    axes = tuple(range(1, len(shape) + 1))
    frequency = np.sqrt(sum(f**2 for f in np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")))
    frequency[(0,) * len(shape)] = np.inf
    smooth = np.fft.ifftn(np.fft.fftn(noise, axes=axes) / frequency, axes=axes).real
    standard = (smooth - smooth.mean()) / smooth.std()
    return (_MEAN + _DEVIATION * standard).clip(0, 1).astype(np.float32)


def explained_image(settings: BenchmarkSettings, side: int) -> np.ndarray:
    """(3, side, side) in 0 to 1: the user's, or one like a photograph.

    Raises:
        DataError: the user's cannot be read.
    """
    if settings.image is None:
        return natural_image(settings.seed, side)
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(settings.image) as opened:
            fitted = ImageOps.fit(opened.convert("RGB"), (side, side))
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(settings.image, f"cannot be read ({error})", "give an image") from error
    return np.moveaxis(np.asarray(fitted, dtype=np.float32) / 255, -1, 0)


def make_network(network: Network, seed: int) -> "nn.Module":
    """A classifier of images in 0 to 1, with its weights or with random ones.

    Raises:
        DataError: there is no such architecture, or the weights do not fit it.
    """
    from prediction_difference.classifiers import pretrained
    from prediction_difference.classifiers.networks import with_preprocessing

    is_own = ":" in network.architecture
    make = pretrained.from_factory if is_own else pretrained.torchvision_network
    bare = make(network.architecture)
    if network.weights is not None:
        pretrained.load_weights(bare, network.weights)
    whole = with_preprocessing(bare, NORMALISATIONS["imagenet"]).eval()
    if network.weights is None:
        randomise(whole, network.side, seed)
    return whole


def randomise(network: "nn.Module", side: int, seed: int) -> None:
    """Random weights under which activations keep their size and class scores differ.

    Notes: He-initialised; batch normalisation takes the statistics of some images, varied, so
    that no two channels are normalised alike.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(
        np.stack([natural_image(seed + n, side) for n in range(_CALIBRATION_IMAGES)])
    )
    _initialise(network, generator)
    with torch.no_grad():
        _observe_statistics(network, images, generator)
        _scale_scores(network, images)


def _initialise(network: "nn.Module", generator: "torch.Generator") -> None:
    from torch import nn

    for part in network.modules():
        if isinstance(part, nn.Linear | nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def _observe_statistics(
    network: "nn.Module", images: "torch.Tensor", generator: "torch.Generator"
) -> None:
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    norms = [part for part in network.modules() if isinstance(part, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    network(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval()
        norm.momentum = momentum
        varied = 0.5 + torch.rand(2, norm.num_features, generator=generator)
        if norm.running_var is not None:
            norm.running_var.mul_(varied[0])
        norm.weight.copy_(varied[1])
        norm.bias.copy_(0.2 * torch.randn(norm.num_features, generator=generator))


def _scale_scores(network: "nn.Module", images: "torch.Tensor") -> None:
    """Let the last layer with weights return class scores of a trained network's spread."""
    from torch import nn

    last = [p for p in network.modules() if isinstance(p, nn.Linear | nn.Conv2d | nn.Conv3d)][-1]
    spread = float(network(images).std(dim=1).mean())
    if spread > 0:
        last.weight.mul_(_SCORE_DEVIATION / spread)
