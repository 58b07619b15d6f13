"""Marginal sampling: contents of windows from other images."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference import randomness
from prediction_difference.choices import Count
from prediction_difference.errors import DataError
from prediction_difference.options import checked
from prediction_difference.priors.places import ImageKeys, block_index, drawn_as_array, ravelled

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_BYTES_ON_DEVICE = 2**32
_PROBED = 64


@checked
@dataclass(frozen=True)
class MarginalSampler:
    """The empirical distribution: the same place in other images [zintgraf2017, eq. 2].

    images: (n, C, *spatial); one that equals the explained image is never drawn from.
    """

    images: np.ndarray
    window: Count = 10

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """`draw` for arrays; see `Sampler.sample`."""
        return drawn_as_array(self, image, corners, samples, seed)

    def draw(self, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor":
        """Draw with replacement among the images; see `TensorSampler.draw`.

        Raises:
            DataError: the images have another shape than the explained one, are not finite, or
                none is another than the explained one.
        """
        shape = tuple(image.shape)
        if self.images.shape[1:] != shape:
            raise DataError(
                "marginal sampler",
                f"has {len(self.images)} images of shape {self.images.shape[1:]}, "
                f"the explained one has {shape}",
                "give it images of the same shape",
            )
        key = self._keys.key(image, seed)
        others, home = self._others(image, key), self._images(image.device)
        places = corners.to(home.device)
        chosen = randomness.integers(key, ravelled(places, shape[1:]), samples, len(others))
        first = others.to(home.device)[chosen] * home[0].numel()
        index = first[:, :, None] + block_index(shape, places, self.window)[:, None]
        contents = home.flatten().index_select(0, index.flatten()).to(image.device)
        window = (self.window,) * (image.ndim - 1)
        return contents.reshape(len(corners), samples, shape[0], *window)

    def _others(self, image: "Tensor", key: int) -> "Tensor":
        """(m,) numbers of the images that are not the explained one."""
        if key not in self._kept:
            self._kept.clear()
            self._kept[key] = _unequal(self.images, image.cpu().numpy())
        return self._kept[key]

    def _images(self, device: "torch.device") -> "Tensor":
        """All images on the device, or on the host where they are too many for it."""
        import torch

        is_small = 4 * self.images.size <= _BYTES_ON_DEVICE
        home = device if is_small else torch.device("cpu")
        if home not in self._homes:
            images = torch.from_numpy(np.require(self.images, np.float32, ["C", "W"]))
            if not bool(images.isfinite().all()):
                raise DataError(
                    "marginal sampler", "its images hold NaN or infinity", "mend or remove them"
                )
            self._homes[home] = images.to(home)
        return self._homes[home]

    @cached_property
    def _keys(self) -> ImageKeys:
        return ImageKeys()

    @cached_property
    def _kept(self) -> dict[int, "Tensor"]:
        return {}

    @cached_property
    def _homes(self) -> dict["torch.device", "Tensor"]:
        return {}


def _unequal(images: np.ndarray, image: np.ndarray) -> "Tensor":
    """(n, C, *spatial), (C, *spatial) -> (m,) numbers of the images that differ from the one."""
    import torch

    # A few pixels tell nearly all images apart, so that few are compared whole.
    step = max(1, image.size // _PROBED)
    probe = images.reshape(len(images), -1)[:, ::step].astype(np.float32)
    is_equal = (probe == image.ravel()[::step].astype(np.float32)).all(1)
    for index in np.flatnonzero(is_equal):
        is_equal[index] = np.array_equal(images[index].astype(np.float32), image)
    others = np.flatnonzero(~is_equal)
    if len(others) == 0:
        raise DataError(
            "marginal sampler",
            f"has {len(images)} images, none other than the explained one",
            "give it other images",
        )
    return torch.from_numpy(others)
