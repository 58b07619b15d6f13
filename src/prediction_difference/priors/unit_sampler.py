"""Conditional sampling of the single units of a hidden layer."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prediction_difference import randomness
from prediction_difference.choices import Channels, Clip, Count
from prediction_difference.errors import DataError
from prediction_difference.options import checked
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.places import ImageKeys, blocks, drawn_as_array, ravelled
from prediction_difference.priors.windows import patch_corners

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class _Moments(NamedTuple):
    """Mean (D,), precision (D, D) and its diagonal (D,) of the units of a patch, float32."""

    mean: "Tensor"
    precision: "Tensor"
    diagonal: "Tensor"


@checked
@dataclass(frozen=True)
class UnitSampler:
    """The conditional of a unit given the units around it [zintgraf2017, eq. 5].

    prior: over patches (units, *patch) of a layer's output, of side 1 where a unit is known by
    all maps at its place. clip: lowest and highest value of a draw, or None for draws as they are.

    Notes: with precision P and mean m of a patch x, unit i given the others is normal with mean
    x_i - (P (x - m))_i / P_ii and variance 1 / P_ii, so that one inverse serves all units.
    """

    prior: GaussianPatchPrior
    clip: Clip | None = None

    @classmethod
    @checked
    def fit(
        cls,
        activations: np.ndarray,
        patch: Count = 1,
        maps: Channels = "joint",
        patches: Count = 25_000,
        seed: int = 0,
        clip: Clip | None = None,
    ) -> "UnitSampler":
        """Fit to a layer's outputs (n, units, *places) for other images, or (n, units).

        patch: side of the neighbourhood, in places. maps: joint, a unit depends on all maps of
        its neighbourhood; independent, on its own. The covariance is shrunk [ledoit2004].

        Raises:
            DataError: no activations, a patch larger than the maps, or values that do not vary.
        """
        if activations.ndim == 2:
            activations = activations[:, :, None]
        prior = GaussianPatchPrior.fit(
            activations, patch, maps, patches=patches, seed=seed, regularisation="ledoit-wolf"
        )
        return cls(prior, clip)

    @property
    def window(self) -> int:
        """Side of a window: one unit."""
        return 1

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """`draw` for arrays; see `Sampler.sample`."""
        return drawn_as_array(self, image, corners, samples, seed)

    def draw(self, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor":
        """(1, units, *places), (n, 1 + d) -> (n, samples, 1, ...); see `TensorSampler.draw`.

        Raises:
            DataError: the activations have other maps or dimensions than the prior.
        """
        mean, deviation = self._conditionals(image, corners.to(image.device))
        streams = ravelled(corners.to(image.device), tuple(image.shape[1:]))
        noise = randomness.normal(self._keys.key(image, seed), streams, samples)
        drawn = mean[:, None] + deviation[:, None] * noise
        if self.clip is not None:
            drawn.clamp_(*self.clip)
        return drawn.reshape(len(corners), samples, 1, *(1,) * (image.ndim - 1))

    def _conditionals(self, image: "Tensor", corners: "Tensor") -> tuple["Tensor", "Tensor"]:
        """(n,) mean and (n,) standard deviation of the units at these corners."""
        import torch

        activations = image[0] if image.ndim > 2 else image[0, :, None]
        units, spatial = len(activations), tuple(activations.shape[1:])
        if image.shape[0] != 1 or (units, len(spatial) + 1) != (
            self.prior.channels,
            self.prior.mean.ndim,
        ):
            raise DataError(
                "unit sampler",
                f"is over patches of shape {self.prior.mean.shape}, it was given activations of "
                f"shape {tuple(image.shape)}",
                "fit it to outputs of the removed layer, and remove units one by one",
            )
        side = self.prior.patch
        places = corners[:, 1:] if image.ndim > 2 else torch.zeros_like(corners)
        around = patch_corners(places.cpu().numpy(), spatial, 1, side)
        distinct, patch_of = np.unique(around, axis=0, return_inverse=True)
        inside = ravelled(places - _to(around, image), (side,) * len(spatial))
        index, wanted_of = torch.unique(
            corners[:, 0] * side ** len(spatial) + inside, return_inverse=True
        )
        here = self._on(image.device)
        known = blocks(activations.contiguous(), _to(distinct, image), side)
        pull = (known - here.mean) @ here.precision[index].T / here.diagonal[index]
        mean = (known[:, index] - pull)[_to(patch_of.ravel(), image), wanted_of]
        return mean, here.diagonal[index].rsqrt()[wanted_of]

    def _on(self, device: "torch.device") -> _Moments:
        """The moments on a device, moved there once."""
        if device not in self._moved:
            import torch

            precision = self._precision
            arrays = self.prior.mean.ravel(), precision, precision.diagonal()
            tensors = [torch.from_numpy(a.astype(np.float32)).to(device) for a in arrays]
            self._moved[device] = _Moments(*tensors)
        return self._moved[device]

    @cached_property
    def _precision(self) -> np.ndarray:
        """(D, D)."""
        try:
            return np.linalg.inv(self.prior.covariance)
        except np.linalg.LinAlgError as error:
            raise DataError(
                "unit sampler", "the covariance is singular", "fit it to more images"
            ) from error

    @cached_property
    def _moved(self) -> dict["torch.device", _Moments]:
        return {}

    @cached_property
    def _keys(self) -> ImageKeys:
        return ImageKeys()


def _to(array: np.ndarray, like: "Tensor") -> "Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(like.device)
