"""Conditional sampling: contents of windows given the pixels around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prediction_difference import randomness
from prediction_difference.choices import Clip, Count
from prediction_difference.errors import DataError
from prediction_difference.options import checked
from prediction_difference.priors.gaussian import Conditionals, GaussianPatchPrior
from prediction_difference.priors.location import check_place
from prediction_difference.priors.places import ImageKeys, blocks, drawn_as_array, ravelled
from prediction_difference.priors.windows import cut, patch_corners

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class _Operators(NamedTuple):
    """`Conditionals` on a device, numbers in float32, and the prior's location there."""

    operator: "Tensor"
    bias: "Tensor"
    factor: "Tensor"
    outer: "Tensor"
    location: "Tensor | None"


@checked
@dataclass(frozen=True)
class ConditionalSampler:
    """The conditional of a Gaussian over patches [zintgraf2017, eq. 4].

    clip: lowest and highest value of a draw, or None for draws as they are.
    """

    prior: GaussianPatchPrior
    window: Count = 10
    clip: Clip | None = None

    @property
    def is_normal(self) -> bool:
        """Whether `moments` are those of the draws; see `NormalSampler`."""
        return self.clip is None

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """`draw` for arrays; see `Sampler.sample`."""
        return drawn_as_array(self, image, corners, samples, seed)

    def draw(self, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor":
        """Draw given the rest of the patch; see `TensorSampler.draw`.

        Windows that lie alike in their patches share one matrix product: nearly all of a row.
        The first draws of a window are the same, however many are asked for.

        Raises:
            DataError: the patch does not fit inside the image, or has other channels, or the
                prior's location is of another shape.
        """
        shape, window = tuple(image.shape), (self.window,) * (image.ndim - 1)
        self._check(shape)
        places = corners.cpu().numpy()
        around = patch_corners(places, shape[1:], self.window, self.prior.patch)
        here = self._on(image.device)
        where = corners.to(image.device)
        rest = image if here.location is None else image - here.location
        context = blocks(rest, _to(around, image.device), self.prior.patch)
        size = shape[0] * self.window ** len(window)
        key = self._keys.key(image, seed)
        noise = randomness.normal(key, ravelled(where, shape[1:]), samples * size)
        drawn = noise.reshape(len(corners), samples, size)
        for offset, members in self._alike(places - around):
            chosen = _to(members, image.device)
            given = context[chosen].index_select(1, here.outer[offset])
            mean = here.bias[offset] + given @ here.operator[offset].T
            drawn[chosen] = drawn[chosen] @ here.factor[offset].T + mean[:, None]
        if here.location is not None:
            drawn += blocks(here.location, where, self.window)[:, None]
        if self.clip is not None:
            drawn.clamp_(*self.clip)
        return drawn.reshape(len(corners), samples, shape[0], *window)

    def moments(
        self, image: np.ndarray, corners: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield groups of windows that lie alike in their patches, in float64.

        Each is (members (m,), mean (m, C k^d), factor (C k^d, C k^d)): which of the corners, the
        mean of their contents and a square root of its covariance; see `NormalSampler.moments`.
        """
        self._check(image.shape)
        location = self.prior.location
        rest = image.astype(np.float64) if location is None else image - location
        around = patch_corners(corners, image.shape[1:], self.window, self.prior.patch)
        conditionals = self._conditionals
        for offset, members in self._alike(corners - around):
            context = cut(rest, around[members], self.prior.patch).reshape(len(members), -1)
            # Zeros for the window itself cost less than a copy of the pixels around it.
            operator = np.zeros((conditionals.bias.shape[1], context.shape[1]))
            operator[:, conditionals.outer[offset]] = conditionals.operator[offset]
            mean = conditionals.bias[offset] + context @ operator.T
            if location is not None:
                mean += cut(location, corners[members], self.window).reshape(mean.shape)
            yield members, mean, conditionals.factor[offset]

    def _check(self, shape: tuple[int, ...]) -> None:
        if shape[0] != self.prior.channels or len(shape) != self.prior.mean.ndim:
            raise DataError(
                "prior",
                f"is over patches of shape {self.prior.mean.shape}, the image has {shape}",
                "fit a prior to images like the explained one",
            )
        check_place(self.prior.location, shape)

    def _alike(self, offsets: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """(n, d) places of windows in their patches -> each that occurs, and the windows there."""
        positions = (self.prior.patch - self.window + 1,) * offsets.shape[1]
        numbers = np.ravel_multi_index(tuple(offsets.T), positions)
        for number in np.unique(numbers):
            yield int(number), np.flatnonzero(numbers == number)

    def _on(self, device: "torch.device") -> _Operators:
        """The operators on a device, moved there once."""
        if device not in self._moved:
            import torch

            def move(array: np.ndarray) -> "Tensor":
                return torch.from_numpy(array.astype(np.float32)).to(device)

            c, location = self._conditionals, self.prior.location
            self._moved[device] = _Operators(
                move(c.operator),
                move(c.bias),
                move(c.factor),
                torch.from_numpy(c.outer.astype(np.int64)).to(device),
                None if location is None else move(location),
            )
        return self._moved[device]

    @cached_property
    def _conditionals(self) -> Conditionals:
        return self.prior.conditionals(self.window)

    @cached_property
    def _moved(self) -> dict["torch.device", _Operators]:
        return {}

    @cached_property
    def _keys(self) -> ImageKeys:
        return ImageKeys()


def _to(array: np.ndarray, device: "torch.device") -> "Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
