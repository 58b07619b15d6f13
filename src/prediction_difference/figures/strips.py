"""Slices of one volume in a row, each over one ground or several beside each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from prediction_difference.figures import style
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.slices import SlicePlane

Ground = Literal["lightened", "image", "reversed"]
GROUNDS_IN_WORDS: Mapping[Ground, str] = {
    "lightened": "the image, lightened",
    "image": "the image",
    "reversed": "the image in reversed greys",
}
_GREYS: Mapping[Ground, Callable[[np.ndarray, float], np.ndarray]] = {
    "lightened": style.lightened,
    "image": style.greys,
    "reversed": style.reversed_greys,
}

AREA = 3.0  # square inches, of a panel
LONGEST = 2.8  # inches, of a side
GAP = 0.08
BETWEEN_GROUNDS = 0.02
_LETTER, _SMALL_LETTER = 0.078, 0.058  # inches, of headings


@dataclass(frozen=True)
class Strip:
    """What one row shows: values (x, y, z) as tints over a grey volume.

    limit: the value at full colour. hide_below: share of the largest absolute value; what is
    smaller is not shown. is_signed: whether negative values mean the opposite of positive ones.
    """

    grey: np.ndarray
    values: np.ndarray
    limit: float
    hide_below: float
    is_signed: bool = True

    @cached_property
    def is_hidden(self) -> np.ndarray:
        """(x, y, z) bool; zeros are always hidden."""
        size = np.abs(self.values)
        return np.asarray((size < self.hide_below * size.max()) | (size == 0))

    @property
    def hidden_share(self) -> float:
        """Share of the voxels with tissue whose values are hidden; 1 without tissue."""
        tissue = self.grey != 0
        return float(self.is_hidden[tissue].mean()) if tissue.any() else 1.0

    @cached_property
    def _peak(self) -> float:
        return style.peak_of(self.grey)

    def picture(self, plane: SlicePlane, index: int, ground: Ground = "lightened") -> np.ndarray:
        """(rows, columns, 3) colours of a slice."""
        below = _GREYS[ground](plane.picture(self.grey, index), self._peak)
        values, is_hidden = (plane.picture(part, index) for part in (self.values, self.is_hidden))
        lay = style.overlay if ground == "lightened" else style.covered
        return lay(below, values, self.limit, is_hidden, self.is_signed)

    def numbers(self, view: "View") -> dict[str, Any]:
        """Scale, threshold, and the shown values of each slice, rows from top to bottom.

        Values are None where hidden.
        """
        shown = np.where(self.is_hidden, np.nan, self.values)
        return {
            "limit": rounded(self.limit),
            "hide_below": self.hide_below,
            "hidden_share": rounded(self.hidden_share),
            "values": [rounded(view.plane.picture(shown, index)) for index in view.indices],
        }


@dataclass(frozen=True)
class View:
    """Which slices of every volume are shown, on one axis, and how large."""

    plane: SlicePlane
    indices: Sequence[int]
    grounds: Sequence[Ground]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a panel, in inches: of one area, but for very long ones."""
        width, height = self.plane.size
        scale = min(np.sqrt(AREA / (width * height)), LONGEST / max(width, height))
        return float(scale * width), float(scale * height)

    @property
    def slot(self) -> float:
        """Width of a slice with all its grounds, and with its heading."""
        headings = [max(_LETTER * len(a), _SMALL_LETTER * len(b)) for a, b in self.headings]
        return max(self._panels, *headings)

    @property
    def _panels(self) -> float:
        count = len(self.grounds)
        return count * self.size[0] + (count - 1) * BETWEEN_GROUNDS

    @property
    def width(self) -> float:
        """Of all slices."""
        return len(self.indices) * (self.slot + GAP) - GAP

    def middle(self, column: int) -> float:
        """Middle of a slice, from the left of the first one."""
        return column * (self.slot + GAP) + self.slot / 2

    def left(self, column: int, ground: int) -> float:
        """Of a panel, from the left of the first slice."""
        within = ground * (self.size[0] + BETWEEN_GROUNDS)
        return self.middle(column) - self._panels / 2 + within

    @property
    def headings(self) -> list[tuple[str, str]]:
        """Place and number of each slice."""
        return [(self.plane.place(i), self.plane.number_in_words(i)) for i in self.indices]

    @property
    def facts(self) -> dict[str, Any]:
        """Where the slices are, JSON-like."""
        plane = self.plane
        return {
            "axis": plane.axis,
            "world_axis": None if plane.affine is None else "xyz"[plane.world_axis],
            "slices": [
                {"number": plane.number(i), "millimetres": rounded(plane.millimetres(i))}
                for i in self.indices
            ],
            "shown_voxels": plane.shown_voxels,
        }
