"""A multivariate normal distribution over patches, and its conditionals."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from prediction_difference import randomness
from prediction_difference.errors import DataError
from prediction_difference.priors.windows import cut

_PATCHES_AT_ONCE = 2_000


@dataclass(frozen=True)
class Conditionals:
    """p(window | rest of the patch) for every position of a window inside a patch.

    With o = (l-k+1)^d positions, inner = C k^d and outer = C (l^d - k^d):
    mean of the window = `bias` (o, inner) + `operator` (o, inner, outer) @ rest;
    its covariance = `factor` @ factor.T (o, inner, inner), factor lower triangular.
    `inner` (o, C k^d) and `outer` (o, C (l^d - k^d)) index the flattened patch.
    """

    operator: np.ndarray
    bias: np.ndarray
    factor: np.ndarray
    inner: np.ndarray
    outer: np.ndarray


@dataclass(frozen=True)
class GaussianPatchPrior:
    """Normal distribution over patches [zintgraf2017, section 3.1].

    mean: (C, *patch) float64. covariance: (D, D) float64 with D = C * patch^d, in the order of
    the flattened mean, ridge included.
    """

    mean: np.ndarray
    covariance: np.ndarray
    patches: int = 0
    precomputed: Mapping[int, Conditionals] = field(default_factory=dict)

    @property
    def patch(self) -> int:
        """Side l of a patch."""
        return int(self.mean.shape[-1])

    @property
    def channels(self) -> int:
        return int(self.mean.shape[0])

    @classmethod
    def fit(
        cls,
        patches_or_images: np.ndarray,
        patch: int = 14,
        channels: Literal["joint", "independent"] = "joint",
        ridge: float = 1e-4,
        patches: int = 25_000,
        mask: np.ndarray | None = None,
        seed: int = 0,
    ) -> "GaussianPatchPrior":
        """Fit to patches (n, C, *patch) as they are, or to patches drawn from larger images.

        `patches` patches are drawn at uniform positions, in a mask only around its voxels.
        `ridge` times the mean variance is added to the diagonal.

        Raises:
            DataError: no images, images smaller than a patch, or values without variance.
        """
        if len(patches_or_images) == 0:
            raise DataError(
                "prior", "there are no images to fit it to", "add images to the dataset"
            )
        stream = _patch_stream(patches_or_images, patch, patches, mask, seed)
        mean, covariance, count = _moments(stream)
        shape = (patches_or_images.shape[1], *(patch,) * (patches_or_images.ndim - 2))
        if channels == "independent":
            owner = np.repeat(np.arange(shape[0]), patch ** (len(shape) - 1))
            covariance = np.where(owner[:, None] == owner, covariance, 0.0)
        variance = np.trace(covariance) / len(covariance)
        if not np.isfinite(variance) or variance <= 0:
            raise DataError(
                "prior", "the patches do not vary or are not finite", "check the images"
            )
        covariance = covariance + ridge * variance * np.eye(len(covariance))
        return cls(mean.reshape(shape), covariance, count)

    def conditionals(self, window: int) -> Conditionals:
        """Conditionals of a window of this side at every position inside the patch.

        Raises:
            DataError: the window is not smaller than the patch, or the covariance is singular.
        """
        if window >= self.patch:
            raise DataError(
                f"window={window}",
                f"does not fit inside patch={self.patch}",
                f"set window to at most {self.patch - 1}, or patch to at least {window + 1}",
            )
        return self.precomputed.get(window) or _conditionals(self, window)


def _patch_stream(
    images: np.ndarray, patch: int, count: int, mask: np.ndarray | None, seed: int
) -> Iterator[np.ndarray]:
    """Yield (m, D) float64 patches."""
    spatial = images.shape[2:]
    if min(spatial) < patch:
        raise DataError(
            f"patch={patch}",
            f"does not fit inside images of {' x '.join(map(str, spatial))}",
            f"set patch to at most {min(spatial)}",
        )
    if set(spatial) == {patch}:
        for start in range(0, len(images), _PATCHES_AT_ONCE):
            block = images[start : start + _PATCHES_AT_ONCE]
            yield block.reshape(len(block), -1).astype(np.float64)
        return
    corners = _possible_corners(spatial, patch, mask)
    generator = randomness.generator(randomness.key(seed, "patches"))
    owners = generator.integers(len(images), size=count)
    places = generator.integers(len(corners), size=count)
    for start in range(0, count, _PATCHES_AT_ONCE):
        part = slice(start, start + _PATCHES_AT_ONCE)
        pairs = zip(owners[part], corners[places[part]], strict=True)
        yield np.stack([cut(images[i], c[None], patch).ravel() for i, c in pairs]).astype(
            np.float64
        )


def _possible_corners(spatial: tuple[int, ...], patch: int, mask: np.ndarray | None) -> np.ndarray:
    """(n, d) corners of patches inside the image whose centre lies in the mask."""
    ranges = [np.arange(side - patch + 1) for side in spatial]
    corners = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, len(spatial))
    if mask is None:
        return corners
    inside = corners[mask[tuple((corners + patch // 2).T)]]
    if len(inside) == 0:
        raise DataError("prior", "no patch has its centre in the mask", "use a smaller patch")
    return inside


def _moments(stream: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean, covariance and count of a stream of (m, D) blocks, merged as in Chan et al. 1983."""
    first = next(stream)
    count, mean = len(first), first.mean(0)
    scatter = (first - mean).T @ (first - mean)
    for block in stream:
        n, center = len(block), block.mean(0)
        shift = center - mean
        scatter += (block - center).T @ (block - center)
        scatter += np.outer(shift, shift) * (count * n / (count + n))
        mean = mean + shift * (n / (count + n))
        count += n
    return mean, scatter / max(count - 1, 1), count


def _conditionals(prior: GaussianPatchPrior, window: int) -> Conditionals:
    dimensions = prior.mean.ndim - 1
    offsets = itertools.product(range(prior.patch - window + 1), repeat=dimensions)
    parts = [_conditional(prior, offset, window) for offset in offsets]
    return Conditionals(*(np.stack(arrays) for arrays in zip(*parts, strict=True)))


def _conditional(
    prior: GaussianPatchPrior, offset: tuple[int, ...], window: int
) -> tuple[np.ndarray, ...]:
    """Textbook conditional of a normal distribution, by the Cholesky factor of the outer block."""
    inner, outer = _split_patch(prior.mean.shape, offset, window)
    covariance = prior.covariance
    try:
        root = np.linalg.cholesky(covariance[np.ix_(outer, outer)])
        half = np.linalg.solve(root, covariance[np.ix_(outer, inner)])
        operator = np.linalg.solve(root.T, half).T
        factor = np.linalg.cholesky(covariance[np.ix_(inner, inner)] - half.T @ half)
    except np.linalg.LinAlgError as error:
        raise DataError(
            "prior", "its covariance is singular", "fit it with a larger ridge or more patches"
        ) from error
    mean = prior.mean.ravel()
    bias = mean[inner] - operator @ mean[outer]
    return operator, bias, factor, inner, outer


def _split_patch(
    shape: tuple[int, ...], offset: tuple[int, ...], window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices into the flattened patch: those of the window at `offset`, and the rest."""
    is_inner = np.zeros(shape, dtype=bool)
    is_inner[(slice(None), *(slice(o, o + window) for o in offset))] = True
    return np.flatnonzero(is_inner), np.flatnonzero(~is_inner)
