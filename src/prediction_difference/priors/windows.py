"""Where windows and patches lie in an image, and how window values become pixel values."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prediction_difference.errors import DataError


@dataclass(frozen=True)
class WindowGrid:
    """Every position of a window of side `window` in an image of sides `spatial`.

    Positions are `stride` pixels apart; the last one touches the border, so every pixel is covered.

    Raises:
        DataError: the window is larger than the image, or the stride larger than the window.
    """

    spatial: tuple[int, ...]
    window: int
    stride: int = 1

    def __post_init__(self) -> None:
        if self.window > min(self.spatial):
            raise DataError(
                f"window={self.window}",
                f"does not fit inside an image of {' x '.join(map(str, self.spatial))}",
                f"set window to at most {min(self.spatial)}",
            )
        if self.stride > self.window:
            raise DataError(
                f"stride={self.stride}",
                f"leaves pixels between windows of side {self.window} without relevance",
                f"set stride to at most {self.window}",
            )

    @cached_property
    def axes(self) -> tuple[np.ndarray, ...]:
        """First pixel of every window along each axis."""
        return tuple(self._positions(side) for side in self.spatial)

    def _positions(self, side: int) -> np.ndarray:
        last = side - self.window
        regular = np.arange(0, last + 1, self.stride)
        return regular if regular[-1] == last else np.append(regular, last)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of windows along each axis."""
        return tuple(len(positions) for positions in self.axes)

    def row(self, index: int) -> np.ndarray:
        """(n, d) first pixels of all windows of one row, that is one position on the first axis."""
        first = self.axes[0][index : index + 1]
        return np.stack(np.meshgrid(first, *self.axes[1:], indexing="ij"), -1).reshape(
            -1, len(self.axes)
        )

    def average(self, values: np.ndarray) -> np.ndarray:
        """(..., *shape) window values -> (..., *spatial) means over the windows around a pixel."""
        return self._sum(values) / self._visits

    def average_error(self, errors: np.ndarray) -> np.ndarray:
        """(..., *shape) standard errors -> (..., *spatial) standard errors of `average`.

        Notes: draws of different windows are independent, so variances add.
        """
        return np.sqrt(self._sum(np.square(errors, dtype=np.float64))) / self._visits

    @cached_property
    def _visits(self) -> np.ndarray:
        return self._sum(np.ones(self.shape))

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the windows that hold a pixel, one axis after the other."""
        total = np.asarray(values, dtype=np.float64)
        for axis, side in enumerate(self.spatial, start=total.ndim - len(self.spatial)):
            pixels = np.arange(side)[:, None]
            holds = (pixels >= self.axes[axis - total.ndim]) & (
                pixels < self.axes[axis - total.ndim] + self.window
            )
            total = np.moveaxis(np.tensordot(holds.astype(np.float64), total, (1, axis)), 0, axis)
        return total


def patch_corners(
    corners: np.ndarray, spatial: tuple[int, ...], window: int, patch: int
) -> np.ndarray:
    """(n, d) corners of windows -> (n, d) corners of the patches around them.

    The patch is centred on its window and shifted inside the image at the borders [zintgraf2017,
    section 3.1], so the window is off-centre there.

    Raises:
        DataError: the patch is larger than the image.
    """
    if patch > min(spatial):
        raise DataError(
            f"patch={patch}",
            f"does not fit inside an image of {' x '.join(map(str, spatial))}",
            f"fit a prior with a patch of at most {min(spatial)}",
        )
    return np.clip(corners - (patch - window) // 2, 0, np.array(spatial) - patch)


def cut(image: np.ndarray, corners: np.ndarray, side: int) -> np.ndarray:
    """(C, *spatial), (n, d) corners -> (n, C, *side^d) the blocks at these corners."""
    axes = tuple(range(1, image.ndim))
    blocks = np.lib.stride_tricks.sliding_window_view(image, (side,) * len(axes), axis=axes)
    return np.moveaxis(blocks[(slice(None), *corners.T)], 0, 1)
