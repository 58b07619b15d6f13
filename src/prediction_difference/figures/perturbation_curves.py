"""How fast a class disappears while regions are removed, and the area over these curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from prediction_difference.attribution.method import is_baseline
from prediction_difference.classifiers import unseen
from prediction_difference.evaluation.perturbed_summary import ORDERS, RANKS, REPLACEMENTS
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing
from prediction_difference.figures.losses import Losses, random_order
from prediction_difference.intervals import CONFIDENCE

PLOT_WIDTH, PLOT_HEIGHT = 3.3, 2.6  # inches
LEFT, RIGHT, TOP = 0.62, 0.2, 0.4
UNDER = 0.55  # for the numbers and the name of the axis of steps
LEGEND_LINE = 0.2
_HANDLE = 0.35  # of a line in a legend
LOSS = f"f(x) {style.MINUS} f(x⁽ᵏ⁾)"
_LINES = ("-", ":", "-.")
_MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class _Panel:
    """Curves on common axes; key: of their numbers; measure: in the legend; axis: what is up."""

    key: str
    measure: str
    axis: str
    curves: list[Losses]


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of an explanation, the same in all panels."""

    colour: str
    line: str
    marker: str


def perturbation_curves(curves: Sequence[Losses], measured: Mapping[str, Any]) -> Drawing:
    """Mean loss of each explanation against the step, and that above random order.

    measured: attributes of the evaluation's table: its name, settings, classifier and seed. The
    second panel is there if one of several explanations is a random order.

    Raises:
        StoreError: the random order was not measured on the images of another explanation.
    """
    random = random_order(curves)
    panels = [_Panel("curves", "AOPC", value_in_words(measured), list(curves))]
    if random is not None and len(curves) > 1:
        others = [one.above(random) for one in curves if one is not random]
        panels.append(
            _Panel("curves_above_random", "AOPC above random", "the same, minus random", others)
        )
    looks = looks_of(curves)
    canvas = _empty_canvas(len(panels), len(curves))
    for number, panel in enumerate(panels):
        _draw_panel(canvas, number, panel, looks)
        if len(panels) > 1:
            letter = "ab"[number]
            canvas.text(
                _left(number) - LEFT + 0.1, 0.28, letter, size=10, weight="bold", stands_on=True
            )
    numbers = {panel.key: [one.numbers for one in panel.curves] for panel in panels}
    return Drawing(canvas.figure, numbers, _caption(panels, random, measured))


def _empty_canvas(panels: int, entries: int) -> Canvas:
    width = panels * (LEFT + PLOT_WIDTH + RIGHT)
    return Canvas.empty(width, TOP + PLOT_HEIGHT + UNDER + (entries + 1) * LEGEND_LINE + 0.1)


def _left(number: int) -> float:
    return LEFT + number * (LEFT + PLOT_WIDTH + RIGHT)


def looks_of(curves: Sequence[Losses]) -> dict[str, Look]:
    """A look for every explanation; random order is grey and dashed."""
    others = dict.fromkeys(one.explanation for one in curves if not is_baseline(one.method))
    looks = {name: look_of(number) for number, name in enumerate(others)}
    baseline = Look(style.BASELINE, "--", "")
    return {one.explanation: looks.get(one.explanation, baseline) for one in curves}


def look_of(number: int) -> Look:
    """Of the explanation with a number, from 0."""
    colours = len(style.METHODS)
    return Look(
        style.METHODS[number % colours],
        _LINES[number // colours % len(_LINES)],
        _MARKERS[number % len(_MARKERS)],
    )


def _draw_panel(canvas: Canvas, number: int, panel: _Panel, looks: Mapping[str, Look]) -> None:
    axes = canvas.axes(_left(number), TOP, PLOT_WIDTH, PLOT_HEIGHT)
    axes.axhline(0, color=style.FRAME, linewidth=0.6, zorder=0)
    for one in panel.curves:
        ending = f": {one.area_in_words}"
        label = style.fit(one.explanation, PLOT_WIDTH - _HANDLE, 8, 1, ending=ending)
        draw_curve(axes, one, label, looks[one.explanation])
    axes.set_xlim(0, max(len(one.mean) for one in panel.curves) - 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("regions removed, k")
    axes.set_ylabel(panel.axis)
    drop = -(UNDER - 0.08) / PLOT_HEIGHT
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, drop),
        borderaxespad=0,
        fontsize=8,
        title=panel.measure,
        title_fontsize=8,
        alignment="left",
    )


def draw_curve(axes: Axes, one: Losses, label: str, look: Look) -> None:
    """The mean over images against the step, and the band of its interval."""
    steps = np.arange(len(one.mean))
    axes.plot(
        steps,
        one.mean,
        label=label,
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        linewidth=1.3,
        markersize=3.2,
        markevery=max(1, len(steps) // 12),
        clip_on=False,
    )
    axes.fill_between(steps, *one.band, color=look.colour, alpha=0.13, linewidth=0)


def value_in_words(measured: Mapping[str, Any]) -> str:
    """What is on the axis of values."""
    return f"{LOSS}, {output_in_words(measured)}"


def output_in_words(measured: Mapping[str, Any]) -> str:
    """What f is."""
    outputs = {"score": "class score", "probability": "class probability"}
    return outputs[measured["settings"]["output"]]


def _caption(panels: Sequence[_Panel], random: Losses | None, measured: Mapping[str, Any]) -> str:
    second = "" if random is None else f"b: the same, minus {random.explanation}, image by image."
    return captions.paragraphs(
        [
            f"Region perturbation of {counted(panels[0].curves, measured)} for classifier "
            f"{measured['classifier']}, evaluation {measured['evaluation']}.",
            captions.not_known(measured),
            f"{'a' if len(panels) > 1 else 'Drawn'}: {removal(measured)}",
            second if len(panels) > 1 else "",
            regions(measured),
            f"Lines: mean over images and draws. Bands and brackets: {interval(panels[0].curves)}",
            "AOPC: mean of a curve over k = 0 to L, in the unit of f.",
            f"Seed {measured['seed']}.",
        ]
    )


def counted(curves: Sequence[Losses], measured: Mapping[str, Any]) -> str:
    """How many images there are."""
    counts = sorted({len(one.images) for one in curves})
    images = " to ".join(str(number) for number in counts[:1] + counts[1:][-1:])
    return f"{images} {unseen.noun(measured)}{'' if counts == [1] else 's'}"


def removal(measured: Mapping[str, Any]) -> str:
    """What is on the axis of values, and in which order regions go."""
    settings = measured["settings"]
    new, order = REPLACEMENTS[settings["perturbation"]], settings["order"]
    return (
        f"{LOSS}, what the explained class loses once the k regions that a heatmap ranks "
        f"{RANKS[order]} are replaced by {new}; {ORDERS[order]}; f is the "
        f"{output_in_words(measured)}."
    )


def regions(measured: Mapping[str, Any]) -> str:
    """Size and number of the regions."""
    settings = measured["settings"]
    side = settings["region"]
    return (
        f"Regions are {side} {style.TIMES} {side} pixels without overlap; L = {settings['steps']} "
        f"steps; {captions.count(settings['repeats'], 'draw')} of what replaces them for an image"
        f"{'; the classifier ran in bfloat16' if settings['precision'] == 'bfloat16' else ''}."
    )


def interval(curves: Sequence[Losses]) -> str:
    """What bands are, in words."""
    unknown = ", unknown for a single image" if min(len(one.images) for one in curves) == 1 else ""
    return f"{CONFIDENCE:.0%} bootstrap intervals of the mean over images{unknown}."
