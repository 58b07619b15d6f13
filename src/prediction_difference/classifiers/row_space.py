"""The space that n images span: voxels by the hundred thousand as at most n coordinates.

An L2 penalty does not change when the axes are turned, and its optimum is a combination of the
images, so a linear classifier fitted to the coordinates is that of the voxels [hastie2004].
"""

from dataclasses import dataclass

import numpy as np

_VOXELS_AT_ONCE = 2**14


@dataclass(frozen=True)
class RowSpace:
    """Images around their mean, in coordinates of the space that they span.

    coordinates: (n, r) float64, r at most n - 1, with the images' own inner products. voxels: (n,
    V). mean: (V,). scale: (V,) that voxels are divided by first. dual: (n, r), the axes as
    combinations of the images.
    """

    coordinates: np.ndarray
    voxels: np.ndarray
    mean: np.ndarray
    scale: np.ndarray | None
    dual: np.ndarray

    def plane(self, coefficients: np.ndarray, intercept: float) -> tuple[np.ndarray, float]:
        """A plane in coordinates, (r,), as weights (V,) of the voxels and its intercept there."""
        combination = self.dual @ coefficients
        weight = np.empty(self.voxels.shape[1])
        for part in _parts(self.voxels.shape[1]):
            centred = self.voxels[:, part] - self.mean[part]
            weight[part] = combination @ centred
        if self.scale is not None:
            weight /= self.scale**2
        return weight, float(intercept - weight @ self.mean)


def row_space(voxels: np.ndarray, scale: np.ndarray | None = None) -> RowSpace:
    """(n, V) -> their row space, exact to rounding; voxels that are all alike span nothing."""
    count, width = voxels.shape
    mean = np.empty(width)
    products = np.zeros((count, count))
    for part in _parts(width):
        columns = voxels[:, part].astype(np.float64)
        mean[part] = columns.mean(0)
        columns -= mean[part]
        if scale is not None:
            columns /= scale[part]
        products += columns @ columns.T
    values, vectors = np.linalg.eigh(products)
    kept = values > count * np.finfo(float).eps * max(values.max(), np.finfo(float).tiny)
    lengths = np.sqrt(values[kept])
    axes = vectors[:, kept]
    return RowSpace(axes * lengths, voxels, mean, scale, axes / lengths)


def _parts(width: int) -> list[slice]:
    """A few voxels at a time: a double-precision copy of all would not fit in memory."""
    return [slice(start, start + _VOXELS_AT_ONCE) for start in range(0, width, _VOXELS_AT_ONCE)]
