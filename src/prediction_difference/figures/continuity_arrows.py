"""Explanations of a function of two numbers as arrows, and how abruptly they change."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from prediction_difference.evaluation.continuity import (
    FUNCTIONS,
    grid,
    summarise_continuity,
    values_at,
    vectors_of,
)
from prediction_difference.figures import captions, plots, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import Drawing, rounded

PANEL, GAP = 1.75, 0.3  # inches
LEFT, TOP = 0.5, 0.6
UNDER_PANELS = 0.95
PLOT_WIDTH, PLOT_HEIGHT, UNDER_PLOT = 3.3, 1.9, 0.5
LEGEND = 3.2
_CONTOURS = np.linspace(0.1, 1.9, 19)
_FINE = 200
"""Points along a side, where contours are drawn."""
_LONGEST = 0.9
"""Length of the longest arrow, in steps of the grid."""
_KINKS = {
    "maximum": [([0, 1], [0, 1])],
    "rectifiers": [([0, 0], [-1, 1]), ([-1, 1], [0, 0])],
}
"""Lines along which the slope of a function changes."""
_FUNCTIONS_IN_WORDS = {
    "maximum": "f(x₁, x₂) = max(x₁, x₂) on the unit square, by a network of three rectifiers "
    f"without biases: (max(0, x₁ {style.MINUS} x₂) + max(0, x₂ {style.MINUS} x₁) + "
    "max(0, x₁ + x₂)) / 2.",
    "rectifiers": "f(x₁, x₂) = max(0, x₁) + max(0, x₂), by a network of two rectifiers without "
    "biases.",
}
_TICKS = [digit * 10.0**power for power in range(-6, 1) for digit in (1, 2, 5)]


def continuity_arrows(table: Any) -> Drawing:
    """Arrows of each explanation on the first grid, and the largest change by the grid's step.

    table: of `measure_continuity`.
    """
    names = list(table["explanation"].unique())
    first = table.attrs["settings"]["steps"][0]
    function = table.attrs["settings"]["function"]
    panels = LEFT + len(names) * (PANEL + GAP)
    width = max(panels, LEFT + 0.3 + PLOT_WIDTH + LEGEND)
    canvas = Canvas.empty(width, TOP + PANEL + UNDER_PANELS + PLOT_HEIGHT + UNDER_PLOT)
    parts = {name: table[table["explanation"] == name] for name in names}
    for number, (name, part) in enumerate(parts.items()):
        left = LEFT + number * (PANEL + GAP)
        title = style.fit(name, PANEL, 8.5, 2, "bold")
        canvas.text(left, TOP - 0.18 - 0.15 * title.count("\n"), title, size=8.5, stands_on=True)
        axes = canvas.axes(left, TOP, PANEL, PANEL)
        vectors = vectors_of(part[part["steps"] == first])
        _draw_arrows(axes, vectors, function, is_first=number == 0)
    summary = summarise_continuity(table)
    axes = canvas.axes(LEFT + 0.3, TOP + PANEL + UNDER_PANELS, PLOT_WIDTH, PLOT_HEIGHT)
    _draw_changes(axes, summary)
    return Drawing(canvas.figure, _numbers(parts, summary, first, function), _caption(table))


def _draw_arrows(axes: Axes, vectors: np.ndarray, function: str, is_first: bool) -> None:
    points = grid(len(vectors), function)
    low, high = FUNCTIONS[function].low, FUNCTIONS[function].high
    side = np.linspace(low, high, _FINE)
    # Contours have the second number upwards.
    f = values_at(np.stack(np.meshgrid(side, side), axis=-1), function)
    axes.contour(side, side, f, levels=_CONTOURS, colors=style.FRAME, linewidths=0.6)
    for ends in _KINKS[function]:
        axes.plot(*ends, color=style.BASELINE, linewidth=0.8, linestyle=":")
    longest = np.linalg.norm(vectors, axis=-1).max() or 1.0
    axes.quiver(
        points[..., 0],
        points[..., 1],
        vectors[..., 0],
        vectors[..., 1],
        angles="xy",
        scale_units="xy",
        scale=longest * len(vectors) / (high - low) / _LONGEST,
        pivot="middle",
        width=0.011,
        color=style.FOR,
        zorder=3,
        clip_on=False,
    )
    ticks = [low, (low + high) / 2, high]
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="x₁", xticks=ticks, yticks=ticks)
    names = [f"{tick:g}".replace("-", style.MINUS) for tick in ticks]
    axes.set_xticklabels(names)
    axes.set_yticklabels(names if is_first else [])
    if is_first:
        axes.set_ylabel("x₂")


def _draw_changes(axes: Axes, summary: Any) -> None:
    for number, (name, part) in enumerate(summary.groupby("explanation", sort=False)):
        look = plots.look(number, "")
        axes.plot(part["steps"], part["change"], label=style.wrap(str(name), 40, 1), **look)
    steps = sorted(summary["steps"].unique())
    axes.set(xscale="log", yscale="log")
    low, high = summary["change"].min() / 2.5, summary["change"].max() * 1.5
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xticks(steps, labels=[str(n) for n in steps])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel("points along a side of the grid")
    axes.set_ylabel("largest change of neighbours")
    axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.0), borderaxespad=0, fontsize=8)


def _numbers(parts: dict[str, Any], summary: Any, first: int, function: str) -> dict[str, Any]:
    return {
        "points": rounded(grid(first, function)),
        "methods": [
            {
                "explanation": name,
                "method": part["method"].iloc[0],
                "vectors": rounded(vectors_of(part[part["steps"] == first])),
                "largest_change": [
                    {"steps": int(row["steps"]), "change": rounded(row["change"])}
                    for row in summary[summary["explanation"] == name].to_dict("records")
                ],
            }
            for name, part in parts.items()
        ],
    }


def _caption(table: Any) -> str:
    settings = table.attrs["settings"]
    first, *_ = settings["steps"]
    words = [with_settings(n, s) for n, s in table.attrs["explanations"].items()]
    return captions.paragraphs(
        [
            _FUNCTIONS_IN_WORDS[settings["function"]],
            f"Arrows: what a method says of x₁ and x₂ at {first} {style.TIMES} {first} points; the "
            f"longest arrow of each method is {_LONGEST:g} steps of the grid long. Grey: contours "
            "of f; dotted: its kinks.",
            "Below: the largest difference of the vectors of two neighbours along an axis, as a "
            "share of the method's longest vector, for finer and finer grids, none of whose points "
            "lies on a kink. It falls with the grid's step where a method is continuous, and "
            "does not fall where it jumps.",
        ],
        [f"{'; '.join(words)}.", f"Evaluation {table.attrs['evaluation']}."],
    )
