"""What a pixel's place alone tells: a mean image, taken off before a prior is fitted."""

import numpy as np

from prediction_difference.choices import Location
from prediction_difference.errors import DataError


def location_image(
    images: np.ndarray, location: Location, cells: int, mask: np.ndarray | None = None
) -> np.ndarray | None:
    """(n, C, *spatial) -> (C, *spatial) float64 what to expect at every place, None for nothing.

    Readings of "a 20x20x20 grid, and also condition on the index in that grid" [zintgraf2017,
    section 4.2], with `cells` cells per axis, and one that goes further. grid-index: indices are
    more Gaussian variables, so the mean is linear in them (over the voxels of `mask`). grid-cell:
    the mean of each cell. voxel-mean: the mean of each pixel, cells of one pixel as it were.

    Notes: one covariance of what is left is pooled over all places. The index of a pixel's own
    cell counts, not that of the patch around it, so that overlapping patches agree.
    """
    if location == "none":
        return None
    mean = np.zeros(images.shape[1:])
    # Image by image: a double-precision copy of all images would not fit in memory.
    for image in images:
        mean += image
    mean /= len(images)
    match location:
        case "voxel-mean":
            return mean
        case "grid-cell":
            return _means_of_cells(mean, cells)
        case "grid-index":
            return _linear_in_index(mean, cells, mask)


def cells_of(side: int, cells: int) -> np.ndarray:
    """(side,) which cell the pixels along an axis lie in, of cells that differ by a pixel at most.

    Notes: along an axis with fewer pixels than `cells`, such as a slab's, every pixel is a cell.
    """
    return np.arange(side) * min(cells, side) // side


def _means_of_cells(mean: np.ndarray, cells: int) -> np.ndarray:
    """(C, *spatial) -> the same shape, every pixel with the mean of its cell, axis after axis."""
    for axis, side in enumerate(mean.shape[1:], start=1):
        owner = cells_of(side, cells)
        shares = (owner[:, None] == owner) / np.bincount(owner)[owner][:, None]
        mean = np.moveaxis(np.tensordot(shares, mean, (1, axis)), 0, axis)
    return mean


def _linear_in_index(mean: np.ndarray, cells: int, mask: np.ndarray | None) -> np.ndarray:
    """(C, *spatial) -> the same shape, least squares in the indices of the pixels' cells."""
    spatial = mean.shape[1:]
    indices = np.meshgrid(*(cells_of(side, cells) for side in spatial), indexing="ij")
    design = np.stack([np.ones(spatial), *indices], -1)
    inside = np.ones(spatial, bool) if mask is None else mask
    slope, *_ = np.linalg.lstsq(design[inside], mean[:, inside].T, rcond=None)
    return np.moveaxis(design @ slope, -1, 0)


def check_place(location: np.ndarray | None, image: tuple[int, ...]) -> None:
    """Refuse to explain images of another shape than those that the location was taken from.

    Raises:
        DataError: the shapes differ.
    """
    if location is not None and location.shape != image:
        raise DataError(
            "prior",
            f"knows places in images of shape {location.shape}, the image has {image}",
            "fit it to images of the explained one's shape, or set location to none",
        )
