"""What the engines are compared with: captum, MONAI, the published way, the bare classifier."""

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from prediction_difference import randomness
from prediction_difference.attribution.evidence import laplace, log2_odds
from prediction_difference.benchmark.subject import Share, Subject
from prediction_difference.priors.gaussian import Conditionals, GaussianPatchPrior
from prediction_difference.priors.windows import cut, patch_corners

if TYPE_CHECKING:
    from prediction_difference.priors.samplers import ConditionalSampler

Run = Callable[[Share], int]
"""Evaluates a share of the windows; returns how many they were."""

_TRAINING_INSTANCES = 1_281_167


class _Enough(Exception):  # noqa: N818
    """The classifier has been run on as many images as were asked for."""


class _Counted(nn.Module):
    """A classifier that stops after so many images; channels innermost, as for the engines."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.left = 0

    def forward(self, images: Tensor) -> Tensor:
        self.left -= len(images)
        scores: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        if self.left <= 0:
            raise _Enough
        return scores


def captum(subject: Subject, batch: int) -> Run:
    """Occlusion of captum with stride 1, on as many images as prediction difference needs.

    Raises:
        ImportError: captum is not installed.
    """
    from captum.attr import Occlusion

    counted = _Counted(subject.network.to(subject.device))
    image = torch.from_numpy(subject.image[None]).to(subject.device)
    channels, *spatial = subject.image.shape
    window = (channels, *(subject.sampler.window,) * len(spatial))
    strides = (channels, *(1,) * len(spatial))

    def run(share: Share) -> int:
        windows = share.windows(subject.grid)
        # One more: captum begins with the image as it is.
        counted.left = windows * subject.samples + 1
        try:
            Occlusion(counted).attribute(
                image,
                sliding_window_shapes=window,
                strides=strides,
                target=subject.predicted,
                perturbations_per_eval=batch,
            )
        except _Enough:
            return windows
        return _windows_before(counted, windows, subject)

    return run


def _windows_before(counted: _Counted, windows: int, subject: Subject) -> int:
    """For an image with fewer places for a window than a share has samples."""
    return max(1, windows - counted.left // subject.samples)


def monai(subject: Subject, batch: int) -> Run:
    """MONAI's OcclusionSensitivity with stride 1, on a box with as many windows as forwards.

    Raises:
        ImportError: MONAI is not installed.
    """
    from monai.visualize.occlusion_sensitivity import OcclusionSensitivity

    network = subject.network.to(subject.device)
    image = torch.from_numpy(subject.image[None]).to(subject.device)
    side = subject.sampler.window
    occlusion = OcclusionSensitivity(
        network, mask_size=side, n_batch=batch, verbose=False, overlap=1 - 1 / side
    )

    def run(share: Share) -> int:
        forwards = share.windows(subject.grid) * subject.samples
        rows, columns = _box(subject.grid.shape, forwards)
        edge = (side - 1) // 2
        ends = (rows + side - 1 - edge, columns + side - 1 - edge)
        with warnings.catch_warnings():
            # MONAI 1.6 indexes tensors with lists of slices, which torch warns of and takes.
            warnings.filterwarnings("ignore", message="Using a non-tuple sequence")
            occlusion(image, b_box=[edge, ends[0], edge, ends[1]])
        return max(1, round(rows * columns / subject.samples))

    return run


def _box(shape: tuple[int, ...], windows: int) -> tuple[int, int]:
    """Rows and columns of a box with about so many windows, as wide as possible."""
    rows = min(shape[0], math.ceil(windows / shape[1]))
    return rows, min(shape[1], math.ceil(windows / rows))


def bare(subject: Subject, batch: int) -> Run:
    """The classifier alone, on batches that lie ready on its device."""
    network = subject.network.to(subject.device)
    images = torch.from_numpy(np.repeat(subject.image[None], batch, axis=0)).to(subject.device)
    images = images.contiguous(memory_format=torch.channels_last)

    def run(share: Share) -> int:
        windows = share.windows(subject.grid)
        forwards = windows * subject.samples
        with torch.inference_mode():
            for start in range(0, forwards, batch):
                network(images[: forwards - start])
        return windows

    return run


def published(subject: Subject, batch: int | None = None) -> Run:
    """One window after the other, its samples drawn on the host [zintgraf2017].

    Notes: as the authors' code does it: channels are drawn independently, by a decomposition of
    the covariance for every window; samples are clipped; one forward pass of S images; weights of
    evidence of all classes.
    """
    network = subject.network.to(subject.device)
    draws = _HostDraws(subject)
    with_window = _probabilities(network, subject.image[None], subject.device)[0]

    def run(share: Share) -> int:
        for corner in share.corners:
            batch = np.repeat(subject.image[None], subject.samples, axis=0)
            place = tuple(slice(int(c), int(c) + subject.sampler.window) for c in corner)
            batch[(slice(None), slice(None), *place)] = draws(corner)
            mean = _probabilities(network, batch, subject.device).mean(0)
            _evidence(with_window) - _evidence(mean)
        return len(share.corners)

    return run


def _evidence(p: np.ndarray) -> np.ndarray:
    return log2_odds(laplace(p, _TRAINING_INSTANCES, len(p)))


def _probabilities(network: nn.Module, images: np.ndarray, device: str) -> np.ndarray:
    with torch.inference_mode():
        scores = network(torch.from_numpy(images).to(device))
        found: np.ndarray = scores.softmax(1).double().cpu().numpy()
    return found


class _HostDraws:
    """Contents of a window (S, C, *window), each channel by itself."""

    def __init__(self, subject: Subject):
        self._subject = subject
        self._generator = randomness.generator(randomness.key(subject.seed, "published"))
        sampler = subject.sampler
        self._channels = [_conditionals(sampler, c) for c in range(len(subject.image))]
        self._covariances = [
            np.einsum("oij,okj->oik", part.factor, part.factor) for part in self._channels
        ]

    def __call__(self, corner: np.ndarray) -> np.ndarray:
        image, sampler = self._subject.image, self._subject.sampler
        samples, patch = self._subject.samples, sampler.prior.patch
        spatial = image.shape[1:]
        place = patch_corners(corner[None], spatial, sampler.window, patch)
        positions = (patch - sampler.window + 1,) * len(spatial)
        offset = int(np.ravel_multi_index(tuple((corner - place[0]).T), positions))
        contents = []
        for c, (part, covariance) in enumerate(zip(self._channels, self._covariances, strict=True)):
            around = cut(image[c : c + 1], place, patch).ravel()[part.outer[offset]]
            mean = part.bias[offset] + part.operator[offset] @ around
            drawn = self._generator.multivariate_normal(mean, covariance[offset], samples)
            contents.append(drawn.reshape(samples, *(sampler.window,) * len(spatial)))
        return np.stack(contents, axis=1).clip(0, 1).astype(np.float32)


def _conditionals(sampler: "ConditionalSampler", channel: int) -> Conditionals:
    """Conditionals of one channel, as if it were alone."""
    prior = sampler.prior
    size = prior.mean[0].size
    part = slice(channel * size, (channel + 1) * size)
    alone = GaussianPatchPrior(prior.mean[channel : channel + 1], prior.covariance[part, part])
    return alone.conditionals(sampler.window)
