"""Where the patches come from that a prior is fitted to."""

from collections.abc import Iterator

import numpy as np

from prediction_difference import randomness
from prediction_difference.errors import DataError

_NUMBERS_AT_ONCE = 2**21


def patch_stream(
    images: np.ndarray,
    patch: int,
    count: int,
    mask: np.ndarray | None,
    seed: int,
    location: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Yield (m, D) float64 patches of images (n, C, *spatial), less the location at their place.

    Images of the size of a patch are the patches, each once. From larger ones `count` patches are
    drawn at uniform positions, with `mask` (*spatial) only around its voxels.

    Raises:
        DataError: the images are smaller than a patch, or the mask leaves none.
    """
    spatial = images.shape[2:]
    if min(spatial) < patch:
        raise DataError(
            f"patch={patch}",
            f"does not fit inside images of {' x '.join(map(str, spatial))}",
            f"set patch to at most {min(spatial)}",
        )
    if set(spatial) == {patch}:
        owners, corners = np.arange(len(images)), np.zeros((len(images), len(spatial)), int)
    else:
        possible = _possible_corners(spatial, patch, mask)
        generator = randomness.generator(randomness.key(seed, "patches"))
        owners = generator.integers(len(images), size=count)
        corners = possible[generator.integers(len(possible), size=count)]
    at_once = max(1, _NUMBERS_AT_ONCE // (images.shape[1] * patch ** len(spatial)))
    for start in range(0, len(owners), at_once):
        part = slice(start, start + at_once)
        blocks = _cut(images, owners[part], corners[part], patch)
        if location is not None:
            blocks -= _cut(location[None], np.zeros_like(owners[part]), corners[part], patch)
        yield blocks


def _cut(images: np.ndarray, owners: np.ndarray, corners: np.ndarray, side: int) -> np.ndarray:
    """(n, C, *spatial), (m,), (m, d) -> (m, C side^d) float64 blocks at corners of images."""
    axes = tuple(range(2, images.ndim))
    views = np.lib.stride_tricks.sliding_window_view(images, (side,) * len(axes), axis=axes)
    blocks: np.ndarray = views[(owners, slice(None), *corners.T)]
    return blocks.reshape(len(owners), -1).astype(np.float64)


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
