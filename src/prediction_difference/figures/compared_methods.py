"""Methods beside each other, over several evaluations: curves, or areas and their intervals."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from prediction_difference.attribution.method import is_baseline
from prediction_difference.errors import StoreError
from prediction_difference.figures import captions, style
from prediction_difference.figures import perturbation_curves as drawn
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.losses import Losses, losses

_PLOT_WIDTH, _PLOT_HEIGHT = 2.3, 2.0  # inches
_LEFT, _RIGHT, _TOP, _UNDER = 0.8, 0.2, 0.35, 0.5
_LEGEND_LINE, _LEGEND_COLUMN = 0.2, 2.4
_NAMES, _ROW, _AREAS_WIDTH, _GAP = 1.9, 0.24, 1.6, 0.25
_COSTS = 1.7  # of two columns


@dataclass(frozen=True)
class Compared:
    """An evaluation: its table's attributes, and the losses of explanations and of the baseline.

    above: those of the explanations less those of the baseline, image by image.
    """

    title: str
    measured: Mapping[str, Any]
    baseline: Losses
    above: Sequence[Losses]


def compare(title: str, table: Any, labels: Mapping[str, str], baseline: str | None) -> Compared:
    """Explanations of a table above the baseline, or above the random order.

    labels: what explanations are called; none: all are shown by their names. baseline: a label.

    Raises:
        StoreError: the table has no such explanation, or no random order.
    """
    measured = table.attrs
    where = f"evaluation {measured['evaluation']}"
    curves = [
        dataclasses.replace(one, explanation=labels.get(one.explanation, one.explanation))
        for one in losses(table, measured["settings"]["output"])
        if not labels or one.explanation in labels or (baseline is None and is_baseline(one.method))
    ]
    is_lowest = {one.explanation: one.explanation == baseline for one in curves}
    if baseline is None:
        is_lowest = {one.explanation: is_baseline(one.method) for one in curves}
    lowest = next((one for one in curves if is_lowest[one.explanation]), None)
    if lowest is None:
        wanted = "explanation by a baseline such as random order" if baseline is None else baseline
        remedy = f"it has {', '.join(is_lowest)}; correct the figure, or add it"
        raise StoreError(where, f"has no {wanted}", remedy)
    above = [one.above(lowest) for one in curves if not is_lowest[one.explanation]]
    return Compared(title, _with_labels(measured, labels), lowest, above)


def _with_labels(measured: Mapping[str, Any], labels: Mapping[str, str]) -> Mapping[str, Any]:
    cost = {
        labels.get(name, name): cost
        for name, cost in measured["cost"].items()
        if not labels or name in labels
    }
    return {**measured, "cost": cost}


def compared_curves(panels: Sequence[Compared], across: int) -> Drawing:
    """Mean loss above the baseline against the step; a panel per evaluation, one legend."""
    columns = min(across, len(panels))
    rows = -(-len(panels) // columns)
    looks = drawn.looks_of(_all(panels))
    width = columns * (_LEFT + _PLOT_WIDTH + _RIGHT)
    legend_columns = max(1, int(width // _LEGEND_COLUMN))
    legend_height = -(-len(looks) // legend_columns) * _LEGEND_LINE + 0.15
    height = _TOP + _PLOT_HEIGHT + _UNDER
    canvas = Canvas.empty(width, rows * height + legend_height)
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        left = column * (_LEFT + _PLOT_WIDTH + _RIGHT) + _LEFT
        axes = canvas.axes(left, row * height + _TOP, _PLOT_WIDTH, _PLOT_HEIGHT)
        outputs = {drawn.output_in_words(one.measured) for one in (panel, panels[number - column])}
        is_first = column == 0 or len(outputs) > 1
        _draw_curves(axes, panel, looks, with_axis_title=is_first)
        canvas.text(left, row * height + 0.24, panel.title, weight="bold", stands_on=True)
    entries = {line.get_label(): line for axes in canvas.figure.axes for line in axes.get_lines()}
    handles = [entries[name] for name in looks]
    canvas.figure.legend(
        handles, list(looks), loc="lower center", ncols=legend_columns, fontsize=8, frameon=False
    )
    numbers = {panel.title: [one.numbers for one in panel.above] for panel in panels}
    bands = f"Lines: mean over images and draws. Bands: {drawn.interval(_all(panels))}"
    return Drawing(canvas.figure, {"above_baseline": numbers}, _caption(panels, bands))


def _all(panels: Sequence[Compared]) -> list[Losses]:
    return [one for panel in panels for one in panel.above]


def _draw_curves(
    axes: Axes, panel: Compared, looks: Mapping[str, drawn.Look], *, with_axis_title: bool
) -> None:
    axes.axhline(0, color=style.BASELINE, linewidth=0.8, linestyle="--", zorder=0)
    for one in panel.above:
        drawn.draw_curve(axes, one, one.explanation, looks[one.explanation])
    axes.set_xlim(0, max(len(one.mean) for one in panel.above) - 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("regions removed, k")
    if with_axis_title:
        above = f"above {panel.baseline.explanation}"
        axes.set_ylabel(f"{drawn.value_in_words(panel.measured)}\n{above}")


def compared_areas(panels: Sequence[Compared]) -> Drawing:
    """AOPC above the baseline with its interval, a row per explanation; and what its maps cost."""
    names = list(dict.fromkeys(one.explanation for panel in panels for one in panel.above))
    best = {one.explanation: one.area for one in panels[0].above}
    names.sort(key=lambda name: -best.get(name, float("-inf")))
    height = len(names) * _ROW
    costs = _costs(panels)
    cost_left = _NAMES + len(panels) * (_AREAS_WIDTH + _GAP)
    canvas = Canvas.empty(cost_left + len(costs) * _COSTS + 0.1, _TOP + height + 0.55)
    looks = drawn.looks_of(_all(panels))
    for number, panel in enumerate(panels):
        left = _NAMES + number * (_AREAS_WIDTH + _GAP)
        axes = canvas.axes(left, _TOP, _AREAS_WIDTH, height)
        _draw_areas(axes, panel, names, looks)
        canvas.text(left, 0.24, panel.title, weight="bold", stands_on=True)
    for row, name in enumerate(names):
        text = style.fit(name, _NAMES - 0.25, 8, 1)
        canvas.text(_NAMES - 0.12, _TOP + (row + 0.62) * _ROW, text, align="right", stands_on=True)
    for number, (titles, cost) in enumerate(costs.items()):
        right = cost_left + (number + 1) * _COSTS
        title = titles if len(costs) > 1 else ""
        _write_cost(canvas, names, cost, right, title)
    numbers = {
        "above_baseline": {panel.title: [_area(one) for one in panel.above] for panel in panels},
        "cost": {
            panel.title: {name: rounded_cost(cost) for name, cost in _cost(panel).items()}
            for panel in panels
        },
    }
    marks = (
        f"Marks: AOPC less that of the baseline, mean over images. Lines: "
        f"{drawn.interval(_all(panels))} Costs are of one map on the machine that made it"
        f"{', by panel' * (len(costs) > 1)}."
    )
    return Drawing(canvas.figure, numbers, _caption(panels, marks))


def _draw_areas(
    axes: Axes, panel: Compared, names: Sequence[str], looks: Mapping[str, drawn.Look]
) -> None:
    axes.axvline(0, color=style.BASELINE, linewidth=0.8, linestyle="--", zorder=0)
    for one in panel.above:
        row, colour = names.index(one.explanation), looks[one.explanation].colour
        axes.plot(one.area_interval, [row, row], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([one.area], [row], color=colour, marker="o", markersize=4.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f3f3", linewidth=0, zorder=-1)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(f"AOPC above {panel.baseline.explanation}")


def _area(one: Losses) -> dict[str, Any]:
    return {
        "explanation": one.explanation,
        "method": one.method,
        "images": len(one.images),
        "aopc": rounded(one.area),
        "interval": rounded(one.area_interval),
    }


def _cost(panel: Compared) -> dict[str, Mapping[str, float]]:
    """Forward passes and seconds of a map, for what the panel shows."""
    return {one.explanation: panel.measured["cost"][one.explanation] for one in panel.above}


def _costs(panels: Sequence[Compared]) -> dict[str, dict[str, Mapping[str, float]]]:
    """Costs by titles of panels: together if no name has two costs, as of two classifiers."""
    groups: list[tuple[list[str], dict[str, Mapping[str, float]]]] = []
    for panel in panels:
        cost = _cost(panel)
        for titles, known in groups:
            if all(known.get(name, one) == one for name, one in cost.items()):
                titles.append(panel.title)
                known |= cost
                break
        else:
            groups.append(([panel.title], cost))
    return {", ".join(titles): cost for titles, cost in groups}


def rounded_cost(cost: Mapping[str, float]) -> dict[str, Any]:
    """JSON-like."""
    return {key: rounded(value) for key, value in cost.items()}


def _write_cost(
    canvas: Canvas,
    names: Sequence[str],
    cost: Mapping[str, Mapping[str, float]],
    right: float,
    title: str,
) -> None:
    """Two columns that end at `right`, below a title."""
    heading = style.fit(title, _COSTS - 0.1, 7.5, 1) if title else ""
    canvas.text(right - 0.4 * _COSTS, 0.11, heading, size=7.5, align="center", stands_on=True)
    columns = {"forwards": right - _COSTS / 2, "seconds": right}
    for key, end in columns.items():
        canvas.text(end, 0.24, key, weight="bold", align="right", stands_on=True)
        for row, name in enumerate(names):
            text = style.number(cost[name][key], 2) if name in cost else style.UNKNOWN
            canvas.text(end, _TOP + (row + 0.62) * _ROW, text, align="right", stands_on=True)


def _caption(panels: Sequence[Compared], marks: str) -> str:
    counted = _listed(
        panels,
        lambda p: f"{drawn.counted(p.above, p.measured)} for classifier {p.measured['classifier']}",
    )
    baselines = _listed(panels, lambda p: p.baseline.explanation)
    seeds = sorted({panel.measured["seed"] for panel in panels})
    return captions.paragraphs(
        [
            f"Region perturbation of {counted}.",
            *dict.fromkeys(captions.not_known(panel.measured) for panel in panels),
            *_sentences(panels, lambda panel: drawn.removal(panel.measured)),
            f"Drawn relative to {baselines}, image by image.",
            *_sentences(panels, lambda panel: drawn.regions(panel.measured)),
            marks,
            "AOPC: mean of a curve over k = 0 to L, in the unit of f.",
            f"Seed {', '.join(map(str, seeds))}.",
        ]
    )


def _listed(panels: Sequence[Compared], say: Callable[[Compared], str]) -> str:
    """What is said of panels, with their titles where it differs."""
    said = _by_words(panels, say)
    if len(said) == 1:
        return next(iter(said))
    return " and ".join(f"{words} ({', '.join(titles)})" for words, titles in said.items())


def _sentences(panels: Sequence[Compared], say: Callable[[Compared], str]) -> list[str]:
    """Sentences about panels, after their titles where they differ."""
    said = _by_words(panels, say)
    if len(said) == 1:
        return list(said)
    return [f"{', '.join(titles)}: {words}" for words, titles in said.items()]


def _by_words(panels: Sequence[Compared], say: Callable[[Compared], str]) -> dict[str, list[str]]:
    """Titles of panels by what is said of them."""
    said: dict[str, list[str]] = {}
    for panel in panels:
        said.setdefault(say(panel), []).append(panel.title)
    return said
