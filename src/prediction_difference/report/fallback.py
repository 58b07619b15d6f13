"""Slices of a volume side by side, for where nothing can be drawn in three dimensions."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from prediction_difference.figures.maps import Map
from prediction_difference.figures.slices import (
    SIDES_IN_WORDS,
    SlicePlane,
    evenly_spaced,
    tissue_box,
)
from prediction_difference.figures.strips import Strip as Tinted
from prediction_difference.figures.volume_slices import AROUND
from prediction_difference.report.packing import in_base64

HIDE_BELOW = 0.15
"""Share of the largest absolute value, below which nothing is shown [zintgraf2017, Fig. 9]."""
SLICES = 12
_GAP = 3  # voxels
_ACROSS = 6
_NARROWEST = 1 / 3
_QUALITY = 80


@dataclass(frozen=True)
class Strip:
    """Slices on one axis, row by row: a WebP in base64, its sides in mm or voxels, and words."""

    webp: str
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Strips:
    """Slices of one map; `title` says which."""

    title: str
    strips: Sequence[Strip]

    @property
    def size(self) -> int:
        """Letters that it takes."""
        return sum(len(strip.webp) for strip in self.strips)


def strips(one: Map, limit: float) -> Strips:
    """Slices of a volume (x, y, z) on every axis on which they are no narrow bands.

    limit: relevance at full colour.
    """
    tinted = Tinted(one.image.mean(axis=0), one.relevance, limit, HIDE_BELOW, one.is_signed)
    occupied = (one.image != 0).any(axis=0)
    x, y, z = occupied.shape
    planes = [
        SlicePlane((x, y, z), axis, one.affine, tissue_box(occupied, axis, AROUND))
        for axis in range(3)
    ]
    wide = [plane for plane in planes if min(plane.size) > _NARROWEST * max(plane.size)] or planes
    count = SLICES // len(wide)
    title = ", ".join([one.image_name, *one.label_lines, f"{one.explanation}: {one.explained}"])
    return Strips(title, [_strip(tinted, plane, occupied, count) for plane in wide])


def _strip(tinted: Tinted, plane: SlicePlane, occupied: np.ndarray, count: int) -> Strip:
    indices = evenly_spaced(occupied, plane.axis, count)
    pictures = [tinted.picture(plane, index) for index in indices]
    pixels = np.rint(255 * _in_rows(pictures)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="webp", quality=_QUALITY, method=6)
    ratio = np.array(plane.size)[::-1] / pictures[0].shape[:2]
    height, width = ratio * pixels.shape[:2]
    return Strip(in_base64(file.getvalue()), float(width), float(height), _words(plane, indices))


def _in_rows(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures (rows, columns, 3) of one size -> all of them, some beside each other."""
    height, width, _ = pictures[0].shape
    across = min(_ACROSS, len(pictures))
    down = -(-len(pictures) // across)
    sheet = np.ones((down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP, 3))
    for number, picture in enumerate(pictures):
        row, column = divmod(number, across)
        top, left = row * (height + _GAP), column * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def _words(plane: SlicePlane, indices: Sequence[int]) -> str:
    places = " · ".join(plane.place(index) for index in indices)
    if plane.sides is None:
        return places
    low, high = (SIDES_IN_WORDS[side] for side in plane.sides)
    return f"{places}; {low} on the left of a picture, {high} on the right"
