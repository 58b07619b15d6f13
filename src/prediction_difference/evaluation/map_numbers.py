"""Numbers of single maps, and of two: how few pixels have most, how smooth, how alike."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage


def entropy(relevance: np.ndarray) -> float:
    """In bits, of the shares that pixels have of all absolute relevance; 0 without any."""
    strength = np.abs(relevance, dtype=np.float64).ravel()
    shares = strength[strength > 0] / strength.sum() if strength.any() else np.ones(1)
    return float(-(shares * np.log2(shares)).sum())


def top_share(relevance: np.ndarray, top: float) -> float:
    """Share of all absolute relevance in the share `top` of the pixels that have most of it."""
    strength = np.sort(np.abs(relevance, dtype=np.float64).ravel())[::-1]
    count = max(1, round(top * strength.size))
    return float(strength[:count].sum() / strength.sum()) if strength.any() else 0.0


def sparsity(relevance: np.ndarray) -> float:
    """Between 0, all pixels alike, and 1, a single one [hoyer2004]; 0 without any relevance."""
    strength = np.abs(relevance, dtype=np.float64).ravel()
    if not strength.any() or strength.size == 1:
        return 0.0
    root = np.sqrt(strength.size)
    return float((root - strength.sum() / np.linalg.norm(strength)) / (root - 1))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's, over the pixels; 0 where one of the maps is constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def neighbour_correlation(relevance: np.ndarray, inside: np.ndarray) -> float:
    """Pearson's, of pixels with the next one along each axis: 0 for noise, 1 for a smooth map.

    inside: the pixels that count, bool; a pair counts if both do. 0 without any relevance.
    """
    pairs = [
        (relevance[one][both], relevance[other][both])
        for one, other in _steps(relevance.ndim)
        if (both := inside[one] & inside[other]).any()
    ]
    if not pairs:
        return 0.0
    # Every pair counts both ways, so that both sides have one mean and one variance.
    one, other = (np.concatenate(side).astype(np.float64) for side in zip(*pairs, strict=True))
    return correlation(np.concatenate([one, other]), np.concatenate([other, one]))


def _steps(dimensions: int) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """What cuts out all pixels but the last, and all but the first, along each axis."""
    for axis in range(dimensions):
        before, after = ((slice(None),) * axis, (slice(None),) * (dimensions - axis - 1))
        yield (*before, slice(None, -1), *after), (*before, slice(1, None), *after)


def clusters(relevance: np.ndarray, hide_below: float) -> float:
    """Clusters for each 100 pixels with at least a share of the largest absolute relevance.

    Pixels of one sign that touch, also at edges and corners, are one cluster; 0 without relevance.
    """
    size = np.abs(relevance)
    strong = (size >= hide_below * size.max()) & (size > 0)
    if not strong.any():
        return 0.0
    touching = np.ones((3,) * relevance.ndim)
    signs = (strong & (relevance > 0), strong & (relevance < 0))
    count = sum(int(ndimage.label(some, touching)[1]) for some in signs)
    return 100 * count / float(strong.sum())
