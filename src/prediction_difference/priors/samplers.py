"""Samplers: plausible contents of windows, given the rest of an image."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from prediction_difference import randomness
from prediction_difference.errors import DataError
from prediction_difference.priors.gaussian import Conditionals, GaussianPatchPrior
from prediction_difference.priors.windows import cut, patch_corners

if TYPE_CHECKING:
    from torch import Tensor


class Sampler(Protocol):
    """Draws contents of windows of side `window`."""

    @property
    def window(self) -> int:
        """Side k of a window."""

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """(C, *spatial), (n, d) -> (n, samples, C, *window) float32.

        The draws for a window depend on (seed, image, window) and on nothing else.
        """


@dataclass(frozen=True)
class MarginalSampler:
    """The empirical distribution: the same place in other images [zintgraf2017, eq. 2].

    images: (n, C, *spatial), without the one that is explained.
    """

    images: np.ndarray
    window: int = 10

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """Draw with replacement among the images; see `Sampler.sample`.

        Raises:
            DataError: the images have another shape than the explained one, or there are none.
        """
        if len(self.images) == 0 or self.images.shape[1:] != image.shape:
            raise DataError(
                "marginal sampler",
                f"has {len(self.images)} images of shape {self.images.shape[1:]}, "
                f"the explained one has {image.shape}",
                "give it images of the same shape",
            )
        generators = _window_generators(image, corners, seed)
        chosen = np.stack([g.integers(len(self.images), size=samples) for g in generators])
        contents = np.stack(
            [
                self.images[(rows, slice(None), *_box(corner, self.window))]
                for rows, corner in zip(chosen, corners, strict=True)
            ]
        )
        return contents.astype(np.float32, copy=False)


@dataclass(frozen=True)
class ConditionalSampler:
    """The conditional of a Gaussian over patches [zintgraf2017, eq. 4].

    clip: lowest and highest value of a draw, or None for draws as they are.
    """

    prior: GaussianPatchPrior
    window: int = 10
    clip: tuple[float, float] | None = None

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """Draw given the rest of the patch; see `Sampler.sample`.

        Raises:
            DataError: the patch does not fit inside the image, or has other channels.
        """
        channels, size = image.shape[0], image.shape[0] * self.window ** (image.ndim - 1)
        noise = np.stack(
            [g.standard_normal((samples, size)) for g in _window_generators(image, corners, seed)]
        )
        draws = np.empty_like(noise)
        for members, mean, factor in self.moments(image, corners):
            draws[members] = mean[:, None] + noise[members] @ factor.T
        if self.clip is not None:
            draws = draws.clip(*self.clip)
        shape = (len(corners), samples, channels, *(self.window,) * (image.ndim - 1))
        return draws.astype(np.float32).reshape(shape)

    def moments(
        self, image: np.ndarray, corners: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield groups of windows that lie alike in their patches.

        Each is (members (m,), mean (m, C k^d), factor (C k^d, C k^d)): which of the corners, and
        the mean and the Cholesky factor of the covariance of their contents.
        """
        if image.shape[0] != self.prior.channels or image.ndim != self.prior.mean.ndim:
            raise DataError(
                "prior",
                f"is over patches of shape {self.prior.mean.shape}, the image has {image.shape}",
                "fit a prior to images like the explained one",
            )
        patch, spatial = self.prior.patch, image.shape[1:]
        corners_of_patches = patch_corners(corners, spatial, self.window, patch)
        positions = (patch - self.window + 1,) * len(spatial)
        offsets = np.ravel_multi_index(tuple((corners - corners_of_patches).T), positions)
        conditionals = self._conditionals
        for offset in np.unique(offsets):
            members = np.flatnonzero(offsets == offset)
            blocks = cut(image, corners_of_patches[members], patch).reshape(len(members), -1)
            rest = blocks[:, conditionals.outer[offset]]
            mean = conditionals.bias[offset] + rest @ conditionals.operator[offset].T
            yield members, mean, conditionals.factor[offset]

    @cached_property
    def _conditionals(self) -> Conditionals:
        return self.prior.conditionals(self.window)


def _window_generators(
    image: np.ndarray, corners: np.ndarray, seed: int
) -> Iterator[np.random.Generator]:
    """One generator per window; a window is known by its place, whatever the stride."""
    key = randomness.image_key(seed, "windows", image)
    for place in np.ravel_multi_index(tuple(corners.T), image.shape[1:]):
        yield randomness.generator(key, int(place))


def _box(corner: np.ndarray, side: int) -> tuple[slice, ...]:
    return tuple(slice(int(first), int(first) + side) for first in corner)


def draw(sampler: Sampler, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor":
    """(C, *spatial), (n, d) -> (n, samples, C, *window) draws on the image's device."""
    import torch

    contents = sampler.sample(image.cpu().numpy(), corners.cpu().numpy(), samples, seed)
    return torch.as_tensor(contents, device=image.device)
