"""Evidence over slices of volumes [zintgraf2017, Figs. 9-12]."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from prediction_difference.errors import StoreError
from prediction_difference.figures import captions, labels, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.drawing import Drawing
from prediction_difference.figures.labels import Label
from prediction_difference.figures.maps import Map
from prediction_difference.figures.slices import (
    SIDES_IN_WORDS,
    SlicePlane,
    evenly_spaced,
    tissue_box,
)
from prediction_difference.figures.strips import (
    GAP,
    GROUNDS_IN_WORDS,
    Ground,
    Strip,
    View,
)

MARGIN = 0.12
HEADER = 0.36
BETWEEN_COLUMNS = 0.25
BARS = 0.62
BAR_WIDTH = 1.7
NARROWEST = 5.2  # inches: what is said below needs room
AROUND = 2  # voxels left around tissue

Limit = Literal["map", "explanation", "figure"]
_SHARING = {
    "map": "Every map has a scale of its own, up to its largest absolute value",
    "explanation": "All maps of an explanation share one scale, up to their largest absolute value",
    "figure": "All maps share one scale, up to their largest absolute value",
}
_SHARING_BY_UNIT = "All maps of one unit share one scale, up to their largest absolute value"


@dataclass(frozen=True)
class Scale:
    """What maps on one scale of colours have in common."""

    unit: str
    is_signed: bool

    @classmethod
    def of(cls, one: Map) -> "Scale":
        """That of a map."""
        return cls(one.unit, one.is_signed)

    @property
    def title(self) -> str:
        """What its colours mean, and its unit."""
        words = "against (blue), for (red)" if self.is_signed else "weak (white), strong (red)"
        return self._with_unit(words, ", ")

    def limit_in_words(self, limit: float) -> str:
        """The value at full colour."""
        return self._with_unit(f"{'±' if self.is_signed else ''}{style.number(limit)}", " ")

    def _with_unit(self, words: str, between: str) -> str:
        return words if self.unit == "none" else f"{words}{between}{self.unit}"


@dataclass(frozen=True)
class Weights:
    """Weights (C, x, y, z) of a linear classifier; positive ones speak for class `towards`.

    In natural log odds per unit of the images. split: what it was fitted without.
    """

    values: np.ndarray
    towards: str
    split: str


@dataclass(frozen=True)
class ShownMap:
    """A map of a volume, what its row is called, and the share below which it is hidden."""

    map: Map
    title: str
    hide_below: float


@dataclass(frozen=True)
class SliceLayout:
    """Which slices are shown, over what, and how rows are arranged.

    axes: stored axes, each with a row for every map. slices: how many, evenly spaced where there is
    tissue, or their numbers in the whole volume. across: rows beside each other, filled column by
    column.
    """

    axes: Sequence[int] = (0,)
    slices: int | Sequence[int] = 4
    grounds: Sequence[Ground] = ("lightened",)
    limit: Limit = "figure"
    across: int = 1


@dataclass(frozen=True)
class _Row:
    """A strip of slices and what is said beside it. one: its map; None for weights."""

    label: Label
    strip: Strip
    view: View
    one: Map | None


@dataclass(frozen=True)
class _Place:
    """Where a row is, in inches; a row with other slices than the one above has headings."""

    row: _Row
    left: float
    top: float
    has_headings: bool

    @property
    def bottom(self) -> float:
        height = max(self.row.view.size[1], self.row.label.height)
        return self.top + HEADER * self.has_headings + height + GAP

    @property
    def right(self) -> float:
        return self.left + labels.WIDTH + self.row.view.width


def volume_slices(
    shown: Sequence[ShownMap], weights: Weights | None, layout: SliceLayout
) -> Drawing:
    """Slices of volumes (x, y, z), coloured by evidence; last are the weights, where given.

    Raises:
        StoreError: maps are of other grids than the first one, or have no such slice.
    """
    _refuse_other_grids([one.map for one in shown])
    views = [_view([one.map for one in shown], axis, layout) for axis in layout.axes]
    limits = _limits([one.map for one in shown], layout.limit)
    rows = [
        _map_row(one, limit, view, len({s.title for s in shown}) > 1, layout.limit != "figure")
        for one, limit in zip(shown, limits, strict=True)
        for view in views
    ]
    if weights is not None:
        rows += [_weights_row(weights, shown, view) for view in views]
    places = list(_places(rows, layout.across))
    canvas = _canvas(places, len(_scales(rows)))
    for place in places:
        _draw_row(canvas, place)
    _draw_foot(canvas, max(place.bottom for place in places), rows, weights, layout)
    return Drawing(
        canvas.figure,
        _numbers(rows, views, weights, layout),
        _caption(shown, rows, views, weights, layout),
    )


# --- what is shown ----------------------------------------------------------------------------


def _refuse_other_grids(maps: Sequence[Map]) -> None:
    def grid(one: Map) -> tuple[Any, ...]:
        affine = None if one.affine is None else one.affine.tolist()
        return one.relevance.shape, affine, one.attributes.get("geometry")

    for one in maps:
        if grid(one) != grid(maps[0]):
            raise StoreError(
                f"explanation {one.explanation}",
                f"has volumes on another grid than {maps[0].explanation}",
                "draw them as figures of their own",
            )


def _view(maps: Sequence[Map], axis: int, layout: SliceLayout) -> View:
    # Outside of the brain images are 0.
    tissue = np.any([(one.image != 0).any(axis=0) for one in maps], axis=0)
    x, y, z = tissue.shape
    first, count = maps[0].slices_before(axis)
    box = tissue_box(tissue, axis, AROUND)
    plane = SlicePlane((x, y, z), axis, maps[0].affine, box, first, count)
    if isinstance(layout.slices, int):
        return View(plane, evenly_spaced(tissue, axis, layout.slices), layout.grounds)
    for number in layout.slices:
        if not plane.first <= number <= plane.last:
            raise StoreError(
                f"explanation {maps[0].explanation}",
                f"has slices {plane.first} to {plane.last} on axis {axis}, not slice {number}",
                "correct the figure's slices",
            )
    return View(plane, [number - plane.first for number in layout.slices], layout.grounds)


def _limits(maps: Sequence[Map], sharing: Limit) -> list[float]:
    """The relevance at full colour, for each map; only maps of one scale share it."""

    def shared(one: Map) -> list[Map]:
        if sharing == "map":
            return [one]
        alike = [m for m in maps if Scale.of(m) == Scale.of(one)]
        alone = sharing == "explanation"
        return [m for m in alike if not alone or m.explanation == one.explanation]

    return [max(m.largest for m in shared(one)) for one in maps]


def _scales(rows: Sequence[_Row]) -> dict[Scale, float]:
    """The scales of the maps, and the limit of the first map of each."""
    scales: dict[Scale, float] = {}
    for row in rows:
        if row.one is not None:
            scales.setdefault(Scale.of(row.one), row.strip.limit)
    return scales


def _map_row(shown: ShownMap, limit: float, view: View, is_titled: bool, says_limit: bool) -> _Row:
    one = shown.map
    grey = one.image.mean(axis=0)
    strip = Strip(grey, one.relevance, limit, shown.hide_below, one.is_signed)
    what = "evidence" if one.is_signed else "relevance"
    lines = [*one.label_lines, f"{what} for {one.explained}"]
    if says_limit:
        lines.append(f"full colour at {Scale.of(one).limit_in_words(limit)}")
    if is_titled:
        label = Label(shown.title, [one.image_name, *lines], one.is_misclassified)
    else:
        label = Label(one.image_name, lines, one.is_misclassified)
    return _Row(label, strip, view, one)


def _weights_row(weights: Weights, shown: Sequence[ShownMap], view: View) -> _Row:
    volume = weights.values.sum(axis=0)
    images = {one.map.image_name: one.map.image.mean(axis=0) for one in shown}
    grey = np.mean(list(images.values()), axis=0)
    strip = Strip(grey, volume, style.largest([volume]), shown[0].hide_below)
    over = "over the mean image" if len(images) > 1 else "over the same image"
    label = Label("weights", [f"of the classifier fitted without {weights.split}", over])
    return _Row(label, strip, view, None)


# --- where it is drawn ------------------------------------------------------------------------


def _places(rows: Sequence[_Row], across: int) -> Iterator[_Place]:
    in_column = -(-len(rows) // across)
    left = MARGIN
    for start in range(0, len(rows), in_column):
        column = rows[start : start + in_column]
        top = MARGIN
        for number, row in enumerate(column):
            has_headings = number == 0 or column[number - 1].view is not row.view
            place = _Place(row, left, top, has_headings)
            yield place
            top = place.bottom
        left += labels.WIDTH + max(row.view.width for row in column) + BETWEEN_COLUMNS


def _canvas(places: Sequence[_Place], scales: int) -> Canvas:
    width = max(place.right for place in places) + MARGIN
    height = max(place.bottom for place in places) + scales * BARS + MARGIN
    return Canvas.empty(max(width, NARROWEST), height)


def _draw_row(canvas: Canvas, place: _Place) -> None:
    row, view = place.row, place.row.view
    left, top = place.left + labels.WIDTH, place.top
    if place.has_headings:
        for column, (words, number) in enumerate(view.headings):
            middle = left + view.middle(column)
            canvas.text(middle, top, words, weight="bold", align="center")
            colour = style.FAINT_INK
            canvas.text(middle, top + 0.16, number, size=6.5, colour=colour, align="center")
        top += HEADER
    row.label.draw(canvas, place.left, top)
    for column, index in enumerate(view.indices):
        for place_of_ground, ground in enumerate(view.grounds):
            axes = canvas.panel(left + view.left(column, place_of_ground), top, *view.size)
            show(axes, row.strip.picture(view.plane, index, ground), None, None)
            if view.plane.sides is not None:
                _mark_sides(axes, view.plane.sides)


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
            bbox={"facecolor": "white", "alpha": 0.9, "linewidth": 0, "pad": 0.8},
        )


def _draw_foot(
    canvas: Canvas,
    top: float,
    rows: Sequence[_Row],
    weights: Weights | None,
    layout: SliceLayout,
) -> None:
    """The scales, one below the other, and what the figure must not be used for."""
    left, top = MARGIN + labels.WIDTH, top + 0.05
    note, colour = captions.NOT_CLINICAL, style.FAINT_INK
    canvas.text(MARGIN, top, note, size=7.5, weight="bold", colour=colour)
    for number, (scale, limit) in enumerate(_scales(rows).items()):
        reach = limit if layout.limit == "figure" else None
        _draw_scale(canvas, left, top + number * BARS, scale.title, reach, scale.is_signed)
    if weights is not None:
        left += BAR_WIDTH + 0.7
        title = f"weights, red towards {weights.towards}"
        _draw_scale(canvas, left, top, title, rows[-1].strip.limit)


def _draw_scale(
    canvas: Canvas, left: float, top: float, title: str, limit: float | None, is_signed: bool = True
) -> None:
    """limit: None where it differs from row to row, which says it."""
    reach = 1.0 if limit is None else limit
    end = "limit" if limit is None else style.number(limit)
    colours, scale = style.colours_of(reach, is_signed)
    ticks = {-reach: f"{style.MINUS}{end}", 0.0: "0", reach: f"+{end}"}
    canvas.colour_bar(
        left,
        top,
        BAR_WIDTH,
        colours=colours,
        scale=scale,
        ticks=ticks if is_signed else {0.0: "0", reach: end},
        title=title,
    )


# --- what is said of it -----------------------------------------------------------------------


def _numbers(
    rows: Sequence[_Row], views: Sequence[View], weights: Weights | None, layout: SliceLayout
) -> dict[str, Any]:
    def of_row(row: _Row) -> dict[str, Any]:
        return {"view": views.index(row.view), **row.strip.numbers(row.view)}

    numbers: dict[str, Any] = {
        "views": [view.facts for view in views],
        "grounds": list(layout.grounds),
        "maps": [{**row.one.facts, **of_row(row)} for row in rows if row.one is not None],
    }
    if weights is not None:
        numbers["weights"] = {
            "towards": weights.towards,
            "split": weights.split,
            "unit": "natural log odds per unit of the image",
            "views": [of_row(row) for row in rows if row.one is None],
        }
    return numbers


def _caption(
    shown: Sequence[ShownMap],
    rows: Sequence[_Row],
    views: Sequence[View],
    weights: Weights | None,
    layout: SliceLayout,
) -> str:
    maps = [one.map for one in shown]
    colours = [
        _grounds_in_words(layout.grounds),
        *_colours_in_words(maps),
        _hidden_in_words(shown),
        _scales_in_words(rows, layout.limit),
        *(_slices_in_words(view.plane) for view in views),
        "" if maps[0].affine is None else "Millimetres are those of the image's affine.",
        _weights_in_words(weights, rows[-1].strip.limit, shown),
        captions.uncertainty(maps),
        captions.seeds(maps),
    ]
    methods = [captions.method(some) for some in captions.by_explanation(maps)]
    return captions.paragraphs([captions.subject(maps)], methods, colours)


def _colours_in_words(maps: Sequence[Map]) -> Iterator[str]:
    if any(one.is_signed for one in maps):
        yield "Red is evidence for the class named beside the row, blue is evidence against it."
    if not all(one.is_signed for one in maps):
        yield "Of maps without a sign, red is strong, which is no evidence for or against a class."


def _scales_in_words(rows: Sequence[_Row], sharing: Limit) -> str:
    """What shares a scale, and in a figure with common ones how far each of them reaches."""
    scales = _scales(rows)
    if sharing != "figure":
        return f"{_SHARING[sharing]}."
    words = _SHARING[sharing] if len(scales) == 1 else _SHARING_BY_UNIT
    return f"{words} ({', '.join(one.limit_in_words(n) for one, n in scales.items())})."


def _grounds_in_words(grounds: Sequence[Ground]) -> str:
    names = [GROUNDS_IN_WORDS[ground] for ground in grounds]
    if len(names) == 1:
        return f"Grey: {names[0]}."
    return f"Every slice over {', '.join(names[:-1])} and over {names[-1]}, from left to right."


def _hidden_in_words(shown: Sequence[ShownMap]) -> str:
    shares = {one.title: one.hide_below for one in shown}
    words = "of the largest absolute value of their volume are not shown."
    if len(set(shares.values())) == 1:
        return f"Values below {shown[0].hide_below:.0%} {words}"
    each = ", ".join(f"{share:.0%} for {title}" for title, share in shares.items())
    return f"Values below a share ({each}) {words}"


def _slices_in_words(plane: SlicePlane) -> str:
    words = f"Slices on stored axis {plane.axis}, counted from 0 in the whole volume"
    if plane.sides is None:
        return f"{words}; their position in millimetres is not known."
    left, right = plane.sides
    return (
        f"{words}: {left} and {right} mark the {SIDES_IN_WORDS[left]} and the "
        f"{SIDES_IN_WORDS[right]} side."
    )


def _weights_in_words(weights: Weights | None, limit: float, shown: Sequence[ShownMap]) -> str:
    if weights is None:
        return ""
    return (
        f"Last: weights of the classifier fitted without {weights.split}, the part of the first "
        f"subject, in their own scale of ±{style.number(limit)} (natural log odds per unit of the "
        f"image), hidden below {shown[0].hide_below:.0%} of the largest; red raises the odds of "
        f"{weights.towards}."
    )
