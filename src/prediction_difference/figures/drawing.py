"""A figure, the numbers that it shows and what is said below it; and its three files."""

import json as json_format
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.figures import style
from prediction_difference.files import publishing, write_text
from prediction_difference.manifest import Origin, withdraw, write_manifest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VECTOR_PIXELS_PER_INCH = 300
"""Of the pictures inside the PDF: heatmaps of few pixels keep sharp edges."""
_SIGNIFICANT_DIGITS = 6
_MAKER = "prediction-difference"


@dataclass(frozen=True)
class Drawing:
    """A figure and what is known about it.

    numbers: what was drawn, JSON-like, with None for what is unknown. caption: every parameter,
    what the colours mean, their limits. name: of the figure in the config.
    """

    figure: "Figure"
    numbers: Mapping[str, Any]
    caption: str
    name: str = ""
    title: str = ""


def save(
    drawing: Drawing, png: Path, pdf: Path, json: Path, *, origin: Origin | None = None
) -> None:
    """Publish the picture twice, and the caption and numbers; the same drawing, the same bytes.

    origin: what they were made from.

    Raises:
        StoreError: the disk is full.
    """
    withdraw(json)
    undated = {"Creator": _MAKER, "CreationDate": None, "ModDate": None}
    _write_figure(drawing.figure, png, "png", style.PIXELS_PER_INCH, {"Software": _MAKER})
    _write_figure(drawing.figure, pdf, "pdf", _VECTOR_PIXELS_PER_INCH, undated)
    content = {
        "figure": drawing.name,
        "title": drawing.title,
        "caption": drawing.caption,
        "numbers": drawing.numbers,
    }
    write_text(json, json_format.dumps(content, allow_nan=False, ensure_ascii=False) + "\n")
    write_manifest(json, [png, pdf, json], origin)


def _write_figure(
    figure: "Figure", path: Path, kind: str, pixels_per_inch: int, metadata: Mapping[str, Any]
) -> None:
    with style.context(), publishing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=pixels_per_inch, metadata=dict(metadata))


def squares(values: np.ndarray, side: int) -> np.ndarray:
    """(..., y, x) values -> their means over squares of side x side pixels, smaller at the edges.

    Squares are counted from the upper left corner; a side of 1 changes nothing.
    """
    if side == 1:
        return values
    for axis in (-2, -1):
        starts = np.arange(0, values.shape[axis], side)
        counts = np.diff([*starts, values.shape[axis]])
        sums = np.add.reduceat(values.astype(np.float64), starts, axis=axis)
        values = np.moveaxis(np.moveaxis(sums, axis, -1) / counts, -1, axis)
    return values


def smallest_square(count: int, most: int) -> int:
    """Side of the squares that so many values are averaged over, to leave at most `most`."""
    return max(1, int(np.ceil(np.sqrt(count / most))))


def rounded(values: Any) -> Any:
    """Numbers or arrays -> numbers or nested lists of 6 significant digits; None for NaN.

    Infinite numbers become None too: JSON knows neither.
    """
    array = np.asarray(values)
    if array.ndim:
        return [rounded(part) for part in array]
    number = np.nan if values is None else float(array)
    return float(f"{number:.{_SIGNIFICANT_DIGITS}g}") if np.isfinite(number) else None
