"""Blocks of images and streams of random numbers for many windows at once, on any device."""

import math
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from prediction_difference import randomness

if TYPE_CHECKING:
    from torch import Tensor


class _Draws(Protocol):
    def draw(self, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor": ...


def drawn_as_array(
    sampler: _Draws, image: np.ndarray, corners: np.ndarray, samples: int, seed: int
) -> np.ndarray:
    """(C, *spatial), (n, d) -> (n, samples, C, *window) float32: `draw` for arrays."""
    import torch

    tensor = torch.from_numpy(np.require(image, np.float32, ["C", "W"]))
    places = torch.from_numpy(np.require(corners, np.int64, ["C", "W"]))
    drawn: np.ndarray = sampler.draw(tensor, places, samples, seed).numpy()
    return drawn


def ravelled(corners: "Tensor", sides: tuple[int, ...]) -> "Tensor":
    """(..., d) positions in a box of these sides -> (...) their numbers, last axis fastest."""
    place = corners[..., 0]
    for axis, side in enumerate(sides[1:], start=1):
        place = place * side + corners[..., axis]
    return place


def block_index(shape: tuple[int, ...], corners: "Tensor", side: int) -> "Tensor":
    """(n, d) corners -> (n, C side^d) where blocks lie in a flattened image (C, *spatial)."""
    import torch

    channels, spatial = shape[0], shape[1:]
    along = (torch.arange(side, device=corners.device),) * len(spatial)
    inside = ravelled(torch.cartesian_prod(*along).reshape(-1, len(spatial)), spatial)
    of_channel = torch.arange(channels, device=corners.device) * math.prod(spatial)
    block = of_channel[:, None] + inside
    return ravelled(corners, spatial)[:, None] + block.flatten()


def blocks(image: "Tensor", corners: "Tensor", side: int) -> "Tensor":
    """(C, *spatial), (n, d) -> (n, C side^d) the blocks at these corners, flattened."""
    index = block_index(tuple(image.shape), corners, side)
    return image.flatten().index_select(0, index.flatten()).reshape(index.shape)


@dataclass
class ImageKeys:
    """Keys of images' draws; that of the last image is kept, for its next row of windows."""

    _of: "weakref.ref[Tensor] | None" = None
    _state: tuple[int, int] = field(default=(0, 0))
    _key: int = 0

    def key(self, image: "Tensor", seed: int) -> int:
        """`randomness.image_key` of a tensor (C, *spatial).

        Notes: an inference tensor does not count its changes, so its content is read every time.
        """
        if image.is_inference():
            return _key(image, seed)
        state = (seed, image._version)
        if self._of is None or self._of() is not image or self._state != state:
            self._of, self._state, self._key = weakref.ref(image), state, _key(image, seed)
        return self._key


def _key(image: "Tensor", seed: int) -> int:
    return randomness.image_key(seed, "windows", image.cpu().numpy())
