"""Evidence over slices of volumes, one row per subject [zintgraf2017, Figs. 9-11]."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from prediction_difference.figures import captions, labels, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.labels import Label
from prediction_difference.figures.maps import Map
from prediction_difference.figures.slices import (
    SIDES_IN_WORDS,
    SlicePlane,
    evenly_spaced,
    tissue_box,
)

TALLEST, WIDEST = 1.6, 1.9  # inches, of a panel
GAP = 0.08
MARGIN = 0.12
HEADER = 0.42
BARS = 0.62
BAR_WIDTH = 1.7
AROUND = 2  # voxels left around tissue


@dataclass(frozen=True)
class Weights:
    """Weights (C, x, y, z) of a linear classifier; positive ones speak for class `towards`.

    In natural log odds per unit of the images. split: what it was fitted without.
    """

    values: np.ndarray
    towards: str
    split: str


@dataclass(frozen=True)
class Strip:
    """What one row shows: values (x, y, z) as tints over a grey volume.

    limit: the value at full colour. hide_below: share of the largest absolute value; what is
    smaller is not shown.
    """

    grey: np.ndarray
    values: np.ndarray
    limit: float
    hide_below: float

    @cached_property
    def is_hidden(self) -> np.ndarray:
        """(x, y, z) bool; zeros are always hidden."""
        size = np.abs(self.values)
        return np.asarray((size < self.hide_below * size.max()) | (size == 0))

    @cached_property
    def _peak(self) -> float:
        return style.peak_of(self.grey)

    def picture(self, plane: SlicePlane, index: int) -> np.ndarray:
        """(rows, columns, 3) colours of a slice."""
        ground = style.lightened(plane.picture(self.grey, index), self._peak)
        values, is_hidden = (plane.picture(part, index) for part in (self.values, self.is_hidden))
        return style.overlay(ground, values, self.limit, is_hidden)

    def numbers(self, plane: SlicePlane, indices: Sequence[int]) -> list[Any]:
        """The shown values of each slice, rows from top to bottom; None where hidden."""
        shown = np.where(self.is_hidden, np.nan, self.values)
        return [rounded(plane.picture(shown, index)) for index in indices]


@dataclass(frozen=True)
class _Row:
    """A strip and what is said beside it."""

    label: Label
    strip: Strip


@dataclass(frozen=True)
class _Page:
    """Where panels are, in inches: a strip of the slices `indices` beside each label."""

    plane: SlicePlane
    indices: Sequence[int]
    labels: Sequence[Label]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a panel."""
        width, height = self.plane.size
        scale = min(WIDEST / width, TALLEST / height)
        return scale * width, scale * height

    def left(self, column: int) -> float:
        # Headings need room even where slices are narrow.
        width = max(self.size[0], 1.25)
        return MARGIN + labels.WIDTH + column * (width + GAP) + (width - self.size[0]) / 2

    def top(self, row: int) -> float:
        """Of a row, or of what is below the last one."""
        heights = (max(self.size[1], label.height) + GAP for label in self.labels[:row])
        return MARGIN + HEADER + sum(heights)

    @property
    def foot(self) -> float:
        return self.top(len(self.labels))

    def canvas(self) -> Canvas:
        right = self.left(len(self.indices) - 1) + max(self.size[0], 1.25) + MARGIN
        width = max(right, MARGIN + labels.WIDTH + 2 * BAR_WIDTH + 1.1)
        return Canvas.empty(width, self.foot + BARS + MARGIN)


def volume_slices(
    maps: Sequence[Map],
    *,
    limit: float,
    weights: Weights | None,
    axis: int,
    slices: int,
    hide_below: float,
) -> Drawing:
    """Slices of volumes (x, y, z), tinted by evidence; the last row shows the weights.

    limit: relevance at full colour, the same for all subjects. slices: how many, evenly spaced on
    the stored `axis` where there is tissue. hide_below: share of the largest absolute value of a
    volume; what is smaller is left out.
    """
    subjects = [_subject_row(one, limit, hide_below) for one in maps]
    rows = subjects if weights is None else [*subjects, _weights_row(weights, subjects)]
    page = _page(maps, axis, slices, [row.label for row in rows])
    canvas = page.canvas()
    _draw_header(canvas, page)
    for number, row in enumerate(rows):
        _draw_strip(canvas, page, number, row.strip)
        row.label.draw(canvas, MARGIN, page.top(number))
    _draw_foot(canvas, page, maps[0].unit, rows, weights)
    strips = [row.strip for row in rows]
    numbers = _numbers(maps, strips, weights, page)
    return Drawing(canvas.figure, numbers, _caption(maps, strips, weights, page))


def _subject_row(one: Map, limit: float, hide_below: float) -> _Row:
    strip = Strip(one.image.mean(axis=0), one.relevance, limit, hide_below)
    lines = [*one.label_lines, f"evidence for {one.explained}"]
    return _Row(Label(one.image_name, lines, one.is_misclassified), strip)


def _weights_row(weights: Weights, subjects: Sequence[_Row]) -> _Row:
    volume = weights.values.sum(axis=0)
    grey = np.mean([row.strip.grey for row in subjects], axis=0)
    strip = Strip(grey, volume, style.largest([volume]), subjects[0].strip.hide_below)
    lines = [f"of the classifier fitted without {weights.split}", "over the mean image"]
    return _Row(Label("weights", lines), strip)


def _page(maps: Sequence[Map], axis: int, slices: int, beside: Sequence[Label]) -> _Page:
    # Outside of the brain images are 0.
    tissue = np.any([(one.image != 0).any(axis=0) for one in maps], axis=0)
    x, y, z = tissue.shape
    plane = SlicePlane((x, y, z), axis, maps[0].affine, tissue_box(tissue, axis, AROUND))
    return _Page(plane, evenly_spaced(tissue, axis, slices), beside)


def _draw_header(canvas: Canvas, page: _Page) -> None:
    for column, index in enumerate(page.indices):
        middle = page.left(column) + page.size[0] / 2
        canvas.text(middle, MARGIN, page.plane.place(index), weight="bold", align="center")
        words = f"slice {index} (counted from 0 to {page.plane.shape[page.plane.axis] - 1})"
        colour = style.FAINT_INK
        canvas.text(middle, MARGIN + 0.17, words, size=6.5, colour=colour, align="center")


def _draw_strip(canvas: Canvas, page: _Page, row: int, strip: Strip) -> None:
    for column, index in enumerate(page.indices):
        axes = canvas.panel(page.left(column), page.top(row), *page.size)
        show(axes, strip.picture(page.plane, index), None, None)
        if page.plane.sides is not None:
            _mark_sides(axes, page.plane.sides)


def _mark_sides(axes: Axes, sides: tuple[str, str]) -> None:
    places = {"left": 0.03, "right": 0.97}
    for (align, place), letter in zip(places.items(), sides, strict=True):
        axes.text(
            place,
            0.98,
            letter,
            transform=axes.transAxes,
            fontsize=6.5,
            color=style.FAINT_INK,
            horizontalalignment=align,
            verticalalignment="top",
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8},
        )


def _draw_foot(
    canvas: Canvas, page: _Page, unit: str, rows: Sequence[_Row], weights: Weights | None
) -> None:
    """The scales, and what the figure must not be used for."""
    left, top = MARGIN + labels.WIDTH + 0.1, page.foot + 0.05
    note, colour = captions.NOT_CLINICAL, style.FAINT_INK
    canvas.text(MARGIN, top, note, size=7.5, weight="bold", colour=colour)
    _draw_scale(canvas, left, top, f"against (blue), for (red), {unit}", rows[0].strip.limit)
    if weights is not None:
        left += BAR_WIDTH + 0.7
        title = f"weights, red towards {weights.towards}"
        _draw_scale(canvas, left, top, title, rows[-1].strip.limit)


def _draw_scale(canvas: Canvas, left: float, top: float, title: str, limit: float) -> None:
    canvas.colour_bar(
        left,
        top,
        BAR_WIDTH,
        colours=style.SIGNED,
        scale=style.symmetric(limit),
        ticks={-limit: style.number(-limit), 0.0: "0", limit: f"+{style.number(limit)}"},
        title=title,
    )


def _numbers(
    maps: Sequence[Map], strips: Sequence[Strip], weights: Weights | None, page: _Page
) -> dict[str, Any]:
    plane, indices = page.plane, page.indices
    places = [{"index": i, "millimetres": rounded(plane.millimetres(i))} for i in indices]
    numbers: dict[str, Any] = {
        "axis": plane.axis,
        "world_axis": None if plane.affine is None else "xyz"[plane.world_axis],
        "slices": places,
        "shown_voxels": plane.shown_voxels,
        "limit": rounded(strips[0].limit),
        "unit": maps[0].unit,
        "hide_below": strips[0].hide_below,
        "subjects": [
            {**one.facts, "relevance": strip.numbers(plane, indices)}
            for one, strip in zip(maps, strips, strict=False)
        ],
    }
    if weights is not None:
        numbers["weights"] = {
            "towards": weights.towards,
            "split": weights.split,
            "limit": rounded(strips[-1].limit),
            "values": strips[-1].numbers(plane, indices),
        }
    return numbers


def _caption(
    maps: Sequence[Map], strips: Sequence[Strip], weights: Weights | None, page: _Page
) -> str:
    limit = style.number(strips[0].limit)
    shown = f"{strips[0].hide_below:.0%} of the volume's largest absolute value"
    colours = [
        "Grey: the image, lightened. Red is evidence for the class named beside the row, blue is "
        f"evidence against it; values below {shown} are not shown.",
        f"All subjects share one scale of ±{limit} {maps[0].unit}, the largest absolute value of "
        "their volumes.",
        _slices_in_words(page.plane),
        _weights_in_words(weights, strips[-1].limit),
        captions.uncertainty(maps),
        captions.seeds(maps),
    ]
    start = f"{captions.NOT_CLINICAL} {captions.subject(maps)}"
    return captions.paragraphs([start], [captions.method(maps)], colours)


def _slices_in_words(plane: SlicePlane) -> str:
    words = f"Slices on stored axis {plane.axis}, counted from 0"
    if plane.sides is None:
        return f"{words}; their position in millimetres is not known."
    left, right = plane.sides
    return (
        f"{words}; millimetres are those of the image's affine. {left} and {right} mark the "
        f"{SIDES_IN_WORDS[left]} and the {SIDES_IN_WORDS[right]} side."
    )


def _weights_in_words(weights: Weights | None, limit: float) -> str:
    if weights is None:
        return ""
    return (
        f"Last row: weights of the classifier fitted without {weights.split}, the part of the "
        f"first subject, over the mean image, in their own scale of ±{style.number(limit)} "
        f"(natural log odds per unit of the image); red raises the odds of {weights.towards}."
    )
