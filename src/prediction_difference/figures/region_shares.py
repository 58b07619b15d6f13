"""Relevance summed over regions of many images, and how alike the images' totals are."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from prediction_difference.evaluation.aggregation import shares, totals, variation
from prediction_difference.figures import captions, plots, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import Drawing, rounded

PANEL, GAP = 1.6, 0.25  # inches
TOP, LEFT = 0.6, 0.2
BETWEEN, ROW, UNDER = 0.75, 0.42, 0.5
NAMES, NUMBERS, STRIP = 1.7, 2.1, 3.0
_DARK = 0.6
"""Of the limit, from where on letters are white."""
_SMALLEST_TEXT = 5.0


def region_shares(table: Any) -> Drawing:
    """Shares of all images' relevance by region, and every image's total by its score.

    table: of `measure_aggregation`.
    """
    parts = {str(n): part for n, part in table.groupby("explanation", sort=False)}
    found = {name: shares(part) for name, part in parts.items()}
    strip_top = TOP + PANEL + BETWEEN
    width = max(LEFT + len(parts) * (PANEL + GAP), NAMES + STRIP + NUMBERS)
    canvas = Canvas.empty(width, strip_top + len(parts) * ROW + UNDER)
    for number, (name, values) in enumerate(found.items()):
        left = LEFT + number * (PANEL + GAP)
        title = style.fit(name, PANEL, 8.5, 2, "bold")
        canvas.text(left, TOP - 0.1 - 0.15 * title.count("\n"), title, size=8.5, stands_on=True)
        limit = style.largest([values])
        _draw_shares(canvas.panel(left, TOP, PANEL, PANEL), values, limit)
        words = f"±{100 * limit:.0f}%"
        canvas.text(
            left + PANEL / 2,
            TOP + PANEL + 0.05,
            words,
            size=7.5,
            colour=style.FAINT_INK,
            align="center",
        )
    _draw_totals(canvas, strip_top, parts)
    return Drawing(canvas.figure, _numbers(parts, found), _caption(table))


def _draw_shares(axes: Axes, values: np.ndarray, limit: float) -> None:
    show(axes, values, style.SIGNED, style.symmetric(limit))
    size = max(_SMALLEST_TEXT, min(9.0, 27.0 / len(values)))
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > _DARK * limit else style.INK
        text = f"{100 * value:.0f}%".replace("-", style.MINUS)
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _draw_totals(canvas: Canvas, top: float, parts: dict[str, Any]) -> None:
    """A line of dots for every explanation, an image each, and its numbers beside it."""
    axes = canvas.axes(NAMES, top, STRIP, len(parts) * ROW)
    axes.axvline(1, color=style.FRAME, linewidth=0.6, zorder=0)
    for number, (name, part) in enumerate(parts.items()):
        values = totals(part)
        look = plots.look(number, part["method"].iloc[0])
        heights = np.full(len(values), -float(number))
        relative = values / (values.mean() or 1.0)
        axes.scatter(relative, heights, s=12, color=look["color"], alpha=0.5, linewidths=0)
        line = top + (number + 0.5) * ROW
        canvas.text(NAMES - 0.12, line - 0.07, style.fit(name, NAMES - 0.2, 8, 1), align="right")
        words = f"variation {style.number(variation(values))}, mean {style.number(values.mean())}"
        canvas.text(NAMES + STRIP + 0.12, line - 0.07, words)
    axes.set_ylim(0.5 - len(parts), 0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("total relevance / score, as a multiple of the method's mean")


def _numbers(parts: dict[str, Any], found: dict[str, np.ndarray]) -> dict[str, Any]:
    methods = []
    for name, part in parts.items():
        values = totals(part)
        methods.append(
            {
                "explanation": name,
                "method": part["method"].iloc[0],
                "shares": rounded(found[name]),
                "total_by_score": rounded(values),
                "mean": rounded(values.mean()),
                "variation": rounded(variation(values)),
                "images": list(part.drop_duplicates("image")["image_name"]),
            }
        )
    return {"methods": methods}


def _caption(table: Any) -> str:
    attributes = table.attrs
    images = captions.images(table["image"].nunique(), attributes)
    regions = attributes["settings"]["regions"]
    words = [with_settings(n, s) for n, s in attributes["explanations"].items()]
    return captions.paragraphs(
        [
            f"Relevance of {images} of dataset {attributes['dataset']}, explained for classifier "
            f"{attributes['classifier']}.",
            captions.not_known(attributes),
            f"Above: sum over each of {regions} {style.TIMES} {regions} regions and all images, as "
            "a share of the sum over everything; full colour at what stands below.",
            "Below: each dot is an image, its total relevance by the explained class's score, as a "
            "multiple of the method's mean. A method that conserves the score has 1 for every "
            "image; variation is the standard deviation of the totals by their mean, and mean the "
            "mean of totals by scores.",
        ],
        [
            f"{'; '.join(words)}.",
            f"Evaluation {attributes['evaluation']}, seed {attributes['seed']}.",
        ],
    )
