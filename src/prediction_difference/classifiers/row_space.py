"""The space that images span: voxels by the hundred thousand as fewer coordinates than images.

An L2 penalty does not change when the axes are turned, and its optimum is a combination of the
images that are fitted, so a linear classifier fitted to coordinates is that of the voxels
[hastie2004].
"""

from dataclasses import dataclass

import numpy as np

_VOXELS_AT_ONCE = 2**14


@dataclass(frozen=True)
class RowSpace:
    """Images around the mean of the used ones, in coordinates of the space that these span.

    coordinates: (n, r) float64 of all images, r less than the number of used ones; those have their
    own inner products, of others it is the part inside the space. voxels: (n, V). used: (n,) bool.
    scale: (V,) that voxels are divided by first. dual: (used, r), the axes as combinations of
    images. Nothing but coordinates of the others depends on images that are not used.
    """

    coordinates: np.ndarray
    voxels: np.ndarray
    used: np.ndarray
    scale: np.ndarray | None
    dual: np.ndarray

    def plane(self, coefficients: np.ndarray, intercept: float) -> tuple[np.ndarray, float]:
        """A plane in coordinates, (r,), as weights (V,) of the voxels and its intercept there."""
        combination = self.dual @ coefficients
        # Around the mean, the combination of constants is none.
        combination = combination - combination.mean()
        width = self.voxels.shape[1]
        weight, mean = np.empty(width), np.empty(width)
        for part in _parts(width):
            fitted = self.voxels[self.used, part].astype(np.float64)
            mean[part] = fitted.mean(0)
            weight[part] = combination @ (fitted - mean[part])
        if self.scale is not None:
            weight /= self.scale**2
        return weight, float(intercept - weight @ mean)


def products_of(voxels: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """(n, V) -> (n, n) float64 inner products of the images, divided by `scale` (V,) first."""
    count, width = voxels.shape
    products = np.zeros((count, count))
    for part in _parts(width):
        columns = voxels[:, part].astype(np.float64)
        if scale is not None:
            columns /= scale[part]
        products += columns @ columns.T
    return products


def row_space(
    voxels: np.ndarray,
    used: np.ndarray,
    products: np.ndarray,
    scale: np.ndarray | None = None,
) -> RowSpace:
    """(n, V), (n,) bool and `products_of` the voxels -> the row space of the used images."""
    # Around the mean of the used images; only inner products are needed for it.
    to_used = products[:, used]
    level = to_used[used].mean(1)
    centred = to_used - to_used.mean(1)[:, None] - level + level.mean()
    values, vectors = np.linalg.eigh(centred[used])
    least = len(values) * np.finfo(float).eps * max(np.diag(products)[used].max(), 0.0)
    kept = values > max(10 * least, np.finfo(float).tiny)
    axes, lengths = vectors[:, kept], np.sqrt(values[kept])
    dual = axes / lengths
    return RowSpace(centred @ dual, voxels, used, scale, dual)


def _parts(width: int) -> list[slice]:
    """A few voxels at a time: a double-precision copy of all would not fit in memory."""
    return [slice(start, start + _VOXELS_AT_ONCE) for start in range(0, width, _VOXELS_AT_ONCE)]
