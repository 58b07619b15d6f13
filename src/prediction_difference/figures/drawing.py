"""A figure, the numbers that it shows and what is said below it; and its three files."""

import json as json_format
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.figures import style
from prediction_difference.stores import publishing, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS_PER_INCH = 150
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


def save(drawing: Drawing, png: Path, pdf: Path, json: Path) -> None:
    """Publish the picture twice, and the caption and numbers; the same drawing, the same bytes.

    Raises:
        StoreError: the disk is full.
    """
    undated = {"Creator": _MAKER, "CreationDate": None, "ModDate": None}
    _write_figure(drawing.figure, png, "png", PIXELS_PER_INCH, {"Software": _MAKER})
    _write_figure(drawing.figure, pdf, "pdf", _VECTOR_PIXELS_PER_INCH, undated)
    content = {
        "figure": drawing.name,
        "title": drawing.title,
        "caption": drawing.caption,
        "numbers": drawing.numbers,
    }
    write_text(json, json_format.dumps(content, allow_nan=False, ensure_ascii=False) + "\n")


def _write_figure(
    figure: "Figure", path: Path, kind: str, pixels_per_inch: int, metadata: Mapping[str, Any]
) -> None:
    with style.context(), publishing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=pixels_per_inch, metadata=dict(metadata))


def rounded(values: Any) -> Any:
    """Numbers or arrays -> numbers or nested lists of 6 significant digits; None for NaN.

    Infinite numbers become None too: JSON knows neither.
    """
    array = np.asarray(values)
    if array.ndim:
        return [rounded(part) for part in array]
    number = np.nan if values is None else float(array)
    return float(f"{number:.{_SIGNIFICANT_DIGITS}g}") if np.isfinite(number) else None
