"""Images in rows, their heatmaps by several explanations in columns."""

from collections.abc import Sequence
from typing import Any

from matplotlib.colors import Normalize

from prediction_difference.figures import captions, labels, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.labels import Label
from prediction_difference.figures.maps import Map

PANEL = 1.35  # inches, side of a square panel
GAP = 0.14
UNDER = 0.24  # for the limit below a panel
BAR_WIDTH = 1.0
MARGIN = 0.12
HEADER_LINE, HEADER_DETAILS = 0.15, 0.4
BARS = 0.62

Row = Sequence[Map]


def colour_limits(row: Row) -> list[float]:
    """For each map of a row, the relevance at full colour, in the map's unit.

    Signed maps of one unit share the largest absolute relevance, so they can be compared; any other
    map has its own.
    """
    shared = {
        unit: max(one.largest for one in row if one.is_signed and one.unit == unit)
        for unit in {one.unit for one in row if one.is_signed}
    }
    return [shared[one.unit] if one.is_signed else one.largest for one in row]


def heatmap_panels(rows: Sequence[Row], limits: Sequence[Sequence[float]]) -> Drawing:
    """One row per image: the image, then one map (y, x) of it per explanation.

    rows: the maps of each image, in the same order of explanations. limits: for each of them, the
    relevance at full colour, in its unit.
    """
    columns = len(rows[0])
    names = [style.wrap(one.explanation, 18, 2) for one in rows[0]]
    beside = [Label(row[0].image_name, row[0].label_lines, row[0].is_misclassified) for row in rows]
    heights = [_height(row[0]) for row in rows]
    steps = [
        max(height + UNDER, label.height + GAP)
        for height, label in zip(heights, beside, strict=True)
    ]
    top = MARGIN + HEADER_DETAILS + HEADER_LINE * (1 + max(name.count("\n") for name in names))
    canvas = Canvas.empty(_left(columns + 1) - GAP + MARGIN, top + sum(steps) + BARS + MARGIN)
    _draw_header(canvas, rows[0], names, top)
    for number, row in enumerate(rows):
        beside[number].draw(canvas, MARGIN, top)
        _draw_row(canvas, row, limits[number], top, heights[number])
        top += steps[number]
    _draw_colour_bars(canvas, rows[0], top + 0.08)
    return Drawing(canvas.figure, _numbers(rows, limits), _caption(rows))


def _height(one: Map) -> float:
    """Of a panel as wide as all others, in inches."""
    rows, columns = one.image.shape[1:]
    return PANEL * int(rows) / int(columns)


def _left(column: int) -> float:
    """Left edge of a column; column 0 holds the images."""
    return MARGIN + labels.WIDTH + column * (PANEL + GAP)


def _draw_header(canvas: Canvas, row: Row, names: Sequence[str], bottom: float) -> None:
    for column, name in enumerate(["image", *names]):
        middle = _left(column) + PANEL / 2
        foot = bottom - HEADER_DETAILS
        canvas.text(middle, foot, name, size=8.5, weight="bold", align="center", stands_on=True)
    for column, one in enumerate(row, start=1):
        middle = _left(column) + PANEL / 2
        details, colour = captions.short_method(one), style.FAINT_INK
        top = bottom - HEADER_DETAILS + 0.06
        canvas.text(middle, top, details, size=6.5, colour=colour, align="center")


def _draw_row(canvas: Canvas, row: Row, limits: Sequence[float], top: float, height: float) -> None:
    show(canvas.panel(_left(0), top, PANEL, height), style.picture(row[0].image), None, None)
    for column, (one, limit) in enumerate(zip(row, limits, strict=True), start=1):
        axes = canvas.panel(_left(column), top, PANEL, height)
        axes.set_gid(f"{one.slot}/{one.explanation}")
        colours = style.SIGNED if one.is_signed else style.UNSIGNED
        scale = style.symmetric(limit) if one.is_signed else style.from_zero(limit)
        show(axes, one.relevance, colours, scale)
        canvas.text(
            _left(column) + PANEL / 2,
            top + height + 0.03,
            limit_in_words(one, limit),
            size=6.5,
            colour=style.FAINT_INK,
            align="center",
        )


def limit_in_words(one: Map, limit: float) -> str:
    """The range of the colours of a map, with its unit where it has a short one."""
    unit = f" {one.unit}" if one.is_signed else ""
    sign = "±" if one.is_signed else "0 to "
    return f"{sign}{style.number(limit)}{unit}"


def _draw_colour_bars(canvas: Canvas, row: Row, top: float) -> None:
    """One bar for signed and one for unsigned maps, centred below the columns they belong to."""
    kinds = [one.is_signed for one in row]
    ticks = {
        True: {-1.0: f"{style.MINUS}limit", 0.0: "0", 1.0: "+limit"},
        False: {0.0: "0", 1.0: "largest"},
    }
    titles = {True: "against (blue), for (red)", False: "strength, unsigned"}
    for is_signed in dict.fromkeys(kinds):
        members = [n for n, kind in enumerate(kinds, start=1) if kind == is_signed]
        middle = (_left(members[0]) + _left(members[-1]) + PANEL) / 2
        canvas.colour_bar(
            middle - BAR_WIDTH / 2,
            top,
            BAR_WIDTH,
            colours=style.SIGNED if is_signed else style.UNSIGNED,
            scale=Normalize(-1 if is_signed else 0, 1),
            ticks=ticks[is_signed],
            title=titles[is_signed],
        )


def _numbers(rows: Sequence[Row], limits: Sequence[Sequence[float]]) -> dict[str, Any]:
    return {"rows": [_row_numbers(row, some) for row, some in zip(rows, limits, strict=True)]}


def _row_numbers(row: Row, limits: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {**one.facts, "limit": rounded(limit), "relevance": rounded(one.relevance)}
        for one, limit in zip(row, limits, strict=True)
    ]


def _caption(rows: Sequence[Row]) -> str:
    maps = [one for row in rows for one in row]
    has_signed = any(one.is_signed for one in maps)
    has_unsigned = any(not one.is_signed for one in maps)
    what = "the explained class" if all(one.is_of_class for one in maps) else "what is explained"
    signed = (
        f"Prediction difference: red is evidence for {what}, blue is evidence against "
        f"it, white is zero; the maps of one row share one scale from {style.MINUS}limit to "
        "+limit, the limit being the largest absolute relevance among them, printed below each map."
    )
    unsigned = "Unsigned maps: white is zero, red is the map's own largest value, printed below it."
    colours = [
        captions.grids(maps),
        signed if has_signed else "",
        unsigned if has_unsigned else "",
        captions.uncertainty(maps),
        captions.seeds(maps),
    ]
    methods = [[captions.method(group)] for group in captions.by_explanation(maps)]
    return captions.paragraphs([captions.subject(maps)], *methods, colours)
