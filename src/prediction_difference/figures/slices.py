"""Slices of volumes as pictures: which ones, which way up, and where they lie in millimetres."""

from dataclasses import dataclass
from functools import cached_property

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation

from prediction_difference.figures import style

_WORLD = "xyz"
_SIDES = (("L", "R"), ("P", "A"))
"""At low and at high coordinates of x and y, one of which goes across a picture."""
SIDES_IN_WORDS = {"L": "left", "R": "right", "P": "posterior", "A": "anterior"}
_HEMISPHERES = {-1: "left", 0: "midline", 1: "right"}


@dataclass(frozen=True)
class SlicePlane:
    """Slices of volumes of one shape on one stored axis.

    affine: (4, 4) voxel to millimetre, RAS+ as NIfTI has it, or None where unknown: pictures then
    show the volume as it is stored. box: the part that pictures show, whole on `axis`. Slices are
    numbered as in the whole volume that a slab was cut out of: first, count: the number of the
    first one, and how many slices there are (None: those of `shape`).
    """

    shape: tuple[int, int, int]
    axis: int
    affine: np.ndarray | None
    box: tuple[slice, slice, slice] = (slice(None),) * 3
    first: int = 0
    count: int | None = None

    @property
    def last(self) -> int:
        """Number of the last slice that is there."""
        return self.first + self.shape[self.axis] - 1

    def number(self, index: int) -> int:
        """Of a slice, as the whole volume counts them from 0."""
        return self.first + index

    def number_in_words(self, index: int) -> str:
        """Of a slice among all of the whole volume: slice 39 of 0 to 90."""
        count = self.shape[self.axis] if self.count is None else self.count
        return f"slice {self.number(index)} of 0 to {count - 1}"

    @cached_property
    def _orientation(self) -> np.ndarray:
        """(3, 2): for each stored axis the nearest world axis, and -1 where they are opposed."""
        affine = np.eye(4) if self.affine is None else self.affine
        return np.asarray(nibabel.io_orientation(affine))

    @property
    def world_axis(self) -> int:
        """The world axis 0, 1, 2 (x, y, z) that the slices are on."""
        return int(self._orientation[self.axis, 0])

    @property
    def _in_plane(self) -> tuple[int, int]:
        """World axes that go to the right and up in the picture."""
        across, up = (axis for axis in range(3) if axis != self.world_axis)
        return across, up

    def picture(self, volume: np.ndarray, index: int) -> np.ndarray:
        """(x, y, z) as stored -> (rows, columns): the slice, upright, left of the body on the left.

        `index` counts slices from 0 as they are stored.
        """
        thick = np.take(volume[self.box], [index], axis=self.axis)
        world = apply_orientation(thick, self._orientation)
        flat = np.squeeze(world, axis=self.world_axis)
        return np.asarray(flat.T[::-1])

    @property
    def shown_voxels(self) -> list[list[int]]:
        """First voxel and the one after the last, of what pictures show on each stored axis."""
        bounds = zip(self.box, self.shape, strict=True)
        return [list(part.indices(side)[:2]) for part, side in bounds]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a picture in millimetres (in voxels without affine)."""
        lengths = np.ones(3)
        for stored, (world, _) in enumerate(self._orientation):
            length = 1.0 if self.affine is None else np.linalg.norm(self.affine[:3, stored])
            first, stop = self.shown_voxels[stored]
            lengths[int(world)] = (stop - first) * length
        across, up = self._in_plane
        return float(lengths[across]), float(lengths[up])

    @property
    def sides(self) -> tuple[str, str] | None:
        """Letters for the left and the right edge of a picture; None without affine."""
        return None if self.affine is None else _SIDES[self._in_plane[0]]

    def millimetres(self, index: int) -> float | None:
        """World coordinate of the centre of a slice; None without affine."""
        if self.affine is None:
            return None
        centre = (np.array(self.shape, dtype=np.float64) - 1) / 2
        centre[self.axis] = index
        return float(self.affine[self.world_axis] @ [*centre, 1.0])

    def place(self, index: int) -> str:
        """Where a slice lies, in words: x = +26 mm, right."""
        position = self.millimetres(index)
        if position is None:
            return f"axis {self.axis}"
        rounded = round(position, 1) + 0.0
        sign = {-1: style.MINUS, 0: "", 1: "+"}[int(np.sign(rounded))]
        words = f"{_WORLD[self.world_axis]} = {sign}{abs(rounded):g} mm"
        return f"{words}, {_HEMISPHERES[int(np.sign(rounded))]}" if self.world_axis == 0 else words


def tissue_box(occupied: np.ndarray, axis: int, margin: int) -> tuple[slice, slice, slice]:
    """(x, y, z) bool -> the smallest box of whole slices on `axis` that holds all of it.

    Across the slices, `margin` voxels are left around it where the volume has them.
    """
    found = [np.flatnonzero(occupied.any(axis=_others(stored))) for stored in range(3)]
    sides = [
        slice(0, side)
        if stored == axis or len(places) == 0
        else slice(max(0, int(places[0]) - margin), min(side, int(places[-1]) + 1 + margin))
        for stored, (side, places) in enumerate(zip(occupied.shape, found, strict=True))
    ]
    return sides[0], sides[1], sides[2]


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def evenly_spaced(occupied: np.ndarray, axis: int, count: int) -> list[int]:
    """(x, y, z) bool, tissue -> at most `count` slices on `axis`, evenly spaced where it is.

    The range that holds tissue is cut into `count` parts, and the middle of each is taken.
    """
    indices = np.flatnonzero(occupied.any(axis=_others(axis)))
    if len(indices) == 0:
        indices = np.arange(occupied.shape[axis])
    first, length = int(indices[0]), int(indices[-1] - indices[0] + 1)
    count = min(count, length)
    return [first + int((part + 0.5) * length / count) for part in range(count)]
