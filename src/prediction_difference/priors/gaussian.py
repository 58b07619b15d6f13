"""A multivariate normal distribution over patches, and its conditionals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference.choices import (
    Channels,
    Clip,
    Count,
    Location,
    Natural,
    NotNegative,
    Regularisation,
)
from prediction_difference.errors import DataError
from prediction_difference.options import checked
from prediction_difference.priors.location import location_image
from prediction_difference.priors.patches import patch_stream
from prediction_difference.priors.sums import covariance, sums_of_groups

if TYPE_CHECKING:
    from prediction_difference.priors.conditional import ConditionalSampler


@dataclass(frozen=True)
class Conditionals:
    """p(window | rest of the patch) for every position of a window inside a patch.

    With o = (l-k+1)^d positions, inner = C k^d and outer = C (l^d - k^d):
    mean of the window = `bias` (o, inner) + `operator` (o, inner, outer) @ rest;
    its covariance = `factor` @ factor.T (o, inner, inner).
    `inner` (o, C k^d) and `outer` (o, C (l^d - k^d)) index the flattened patch.
    """

    operator: np.ndarray
    bias: np.ndarray
    factor: np.ndarray
    inner: np.ndarray
    outer: np.ndarray


@checked
@dataclass(frozen=True)
class GaussianPatchPrior:
    """Normal distribution over patches [zintgraf2017, section 3.1].

    mean: (C, *patch) float64. covariance: (D, D) float64 with D = C * patch^d, in the order of
    the flattened mean, regularised. patches: how many it was fitted to. location: (C, *spatial)
    float64, where the distribution is over patches less this image at their place, or None.
    """

    mean: np.ndarray
    covariance: np.ndarray
    patches: Natural = 0
    precomputed: Mapping[int, Conditionals] = field(default_factory=dict)
    location: np.ndarray | None = None

    @property
    def patch(self) -> int:
        """Side l of a patch."""
        return int(self.mean.shape[-1])

    @property
    def channels(self) -> int:
        return int(self.mean.shape[0])

    @classmethod
    @checked
    def fit(
        cls,
        patches_or_images: np.ndarray,
        patch: Count = 14,
        channels: Channels = "joint",
        ridge: NotNegative = 1e-4,
        patches: Count = 25_000,
        mask: np.ndarray | None = None,
        seed: int = 0,
        *,
        regularisation: Regularisation = "ridge",
        location: Location = "none",
        cells: Count = 20,
    ) -> "GaussianPatchPrior":
        """Fit to patches (n, C, *patch) as they are, or to patches drawn from larger images.

        `patches` patches are drawn at uniform positions, in a mask only around its voxels. With
        channels independent, each has a covariance of its own and none with the others. `ridge`
        times the mean variance is added to the diagonal; ledoit-wolf shrinks by as much as the
        patches ask for [ledoit2004], and takes no ridge. `location`: what is taken off before, see
        `location_image`. Patches pass by in blocks, so memory does not grow with their number.

        Raises:
            DataError: no images, images smaller than a patch, values that are not finite or do
                not vary, too few patches for a covariance that is not regularised, or an option
                that is unknown or not what it can be.
        """
        if len(patches_or_images) == 0:
            raise DataError(
                "prior", "there are no images to fit it to", "add images to the dataset"
            )
        place = location_image(patches_or_images, location, cells, mask)
        stream = patch_stream(patches_or_images, patch, patches, mask, seed, place)
        shape = (patches_or_images.shape[1], *(patch,) * (patches_or_images.ndim - 2))
        sums = sums_of_groups(stream, _groups(shape, channels))
        blocks = [covariance(part, regularisation, ridge) for part in sums]
        mean = np.concatenate([part.mean for part in sums]).reshape(shape)
        return cls(mean, _block_diagonal(blocks), sums[0].count, location=place)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What the distribution is restored from."""
        found = {
            "mean": self.mean,
            "covariance": self.covariance,
            "patches": np.array(self.patches),
        }
        return found if self.location is None else found | {"location": self.location}

    @checked
    def sampler(self, window: Count, clip: Clip | None = None) -> "ConditionalSampler":
        """Draws of windows given the rest of their patch; see `ConditionalSampler`."""
        from prediction_difference.priors.conditional import ConditionalSampler

        return ConditionalSampler(self, window, clip)

    def bytes_of_conditionals(self, window: Count) -> int:
        """What the conditionals of a window take in single precision."""
        dimensions = self.mean.ndim - 1
        inner = self.channels * window**dimensions
        return 4 * int((self.patch - window + 1) ** dimensions) * inner * self.mean.size

    def compact_conditionals(self, window: Count) -> dict[str, np.ndarray]:
        """Conditionals of a window in single precision."""
        parts = vars(self.conditionals(window))
        return {
            name: array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
            for name, array in parts.items()
        }

    @checked
    def conditionals(self, window: Count) -> Conditionals:
        """Conditionals of a window of this side at every position inside the patch.

        Raises:
            DataError: the window is not smaller than the patch, or the covariance is singular or
                not finite.
        """
        if window >= self.patch:
            raise DataError(
                f"window={window}",
                f"does not fit inside patch={self.patch}",
                f"set window to at most {self.patch - 1}, or patch to at least {window + 1}",
            )
        return self.precomputed.get(window) or _conditionals(self, window)


def _groups(shape: tuple[int, ...], channels: Channels) -> list[slice]:
    """Parts of a flattened patch (C, *patch) that have a covariance of their own."""
    size = int(np.prod(shape))
    step = size if channels == "joint" else size // shape[0]
    return [slice(start, start + step) for start in range(0, size, step)]


def _block_diagonal(blocks: list[np.ndarray]) -> np.ndarray:
    from scipy.linalg import block_diag

    return blocks[0] if len(blocks) == 1 else np.asarray(block_diag(*blocks))


def _conditionals(prior: GaussianPatchPrior, window: int) -> Conditionals:
    """With precision P of the patch: covariance P_ii^-1, operator -P_ii^-1 P_io.

    Notes: one inverse of the covariance serves all positions; each then needs only the inverse of
    a block of the window's size, where the textbook's formula factorises the rest of the patch.
    """
    precision, mean = _precision(prior.covariance), prior.mean.ravel()
    offsets = list(np.ndindex((prior.patch - window + 1,) * (prior.mean.ndim - 1)))
    inner_size = prior.channels * window ** (prior.mean.ndim - 1)
    outer_size = mean.size - inner_size
    found = Conditionals(
        operator=np.empty((len(offsets), inner_size, outer_size)),
        bias=np.empty((len(offsets), inner_size)),
        factor=np.empty((len(offsets), inner_size, inner_size)),
        inner=np.empty((len(offsets), inner_size), int),
        outer=np.empty((len(offsets), outer_size), int),
    )
    for number, offset in enumerate(offsets):
        inner, outer = _split_patch(prior.mean.shape, offset, window)
        # P_ii = R R' has the inverse F F' with F = R'^-1.
        factor = _inverse_root(precision[np.ix_(inner, inner)]).T
        operator = -factor @ (factor.T @ precision[np.ix_(inner, outer)])
        found.operator[number], found.factor[number] = operator, factor
        found.bias[number] = mean[inner] - operator @ mean[outer]
        found.inner[number], found.outer[number] = inner, outer
    return found


def _precision(covariance: np.ndarray) -> np.ndarray:
    """Inverse of a covariance (D, D)."""
    if not np.isfinite(covariance).all():
        raise DataError(
            "prior", "its covariance is not finite", "fit it to images without NaN or infinity"
        )
    root = _inverse_root(covariance)
    return root.T @ root


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    """(D, D) -> R^-1 of its Cholesky factor R, so that its inverse is (R^-1)' R^-1."""
    from scipy.linalg import solve_triangular

    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise DataError(
            "prior",
            "its covariance is singular",
            "fit it with a larger ridge, with ledoit-wolf, or to more patches",
        ) from error
    return np.asarray(solve_triangular(root, np.eye(len(root)), lower=True))


def _split_patch(
    shape: tuple[int, ...], offset: tuple[int, ...], window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices into the flattened patch: those of the window at `offset`, and the rest."""
    is_inner = np.zeros(shape, dtype=bool)
    is_inner[(slice(None), *(slice(o, o + window) for o in offset))] = True
    return np.flatnonzero(is_inner), np.flatnonzero(~is_inner)
