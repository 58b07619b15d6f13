"""How fast a class disappears while regions are removed, and the area over these curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.perturbation import aopc
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing, rounded

PLOT_WIDTH, PLOT_HEIGHT = 3.3, 2.6  # inches
LEFT, RIGHT, TOP = 0.62, 0.2, 0.4
UNDER = 0.55  # for the numbers and the name of the axis of steps
LEGEND_LINE = 0.2
LOSS = f"f(x) {style.MINUS} f(x⁽ᵏ⁾)"
_MARKERS = ("o", "s", "^", "D", "v", "P")
_ORDERS = {"morf": "the most relevant first (MoRF)", "lerf": "the least relevant first (LeRF)"}


@dataclass(frozen=True)
class Losses:
    """What f lost of one explanation's images, mean over repeats: (images, steps + 1).

    images: their slots. f is the score or the probability of the explained class.
    """

    explanation: str
    method: str
    images: tuple[str, ...]
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(steps + 1,) over images."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def standard_error(self) -> np.ndarray:
        """(steps + 1,) of the mean over images; NaN for a single image."""
        return _standard_error(self.values)

    @property
    def area(self) -> tuple[float, float]:
        """Mean AOPC over images [samek2017, eq. 12] and its standard error."""
        areas = aopc(-self.values)
        return float(areas.mean()), float(_standard_error(areas))

    def above(self, baseline: "Losses") -> "Losses":
        """Difference from a baseline, image by image.

        Raises:
            StoreError: the baseline lacks an image.
        """
        missing = sorted(set(self.images) - set(baseline.images))
        if missing:
            raise StoreError(
                f"explanation {baseline.explanation}",
                f"was not measured on {', '.join(missing)}, but {self.explanation} was",
                "make the evaluation again with the same images for both",
            )
        rows = [baseline.images.index(image) for image in self.images]
        difference = self.values - baseline.values[rows]
        return Losses(self.explanation, self.method, self.images, difference)

    @property
    def numbers(self) -> dict[str, Any]:
        """What is drawn, JSON-like."""
        area, error = self.area
        return {
            "explanation": self.explanation,
            "method": self.method,
            "images": len(self.images),
            "mean": rounded(self.mean),
            "standard_error": rounded(self.standard_error),
            "aopc": rounded(area),
            "aopc_standard_error": rounded(error),
        }


@dataclass(frozen=True)
class _Panel:
    """Curves on common axes; key: of their numbers; measure: in the legend; axis: what is up."""

    key: str
    measure: str
    axis: str
    curves: list[Losses]


@dataclass(frozen=True)
class _Look:
    """Colour, line style and marker of an explanation, the same in all panels."""

    colour: str
    line: str
    marker: str


def losses(table: Any) -> list[Losses]:
    """A tidy evaluation table -> f(x) - f(x^(k)) of each explanation; the largest AOPC first."""
    found = []
    for name, part in table.groupby("explanation", sort=False):
        values = part.groupby(["image", "step"])["value"].mean().unstack("step").sort_index(axis=1)
        lost = values.to_numpy()[:, :1] - values.to_numpy()
        method = str(part["method"].iloc[0])
        found.append(Losses(str(name), method, tuple(map(str, values.index)), lost))
    return sorted(found, key=lambda one: -one.area[0])


def perturbation_curves(curves: Sequence[Losses], measured: Mapping[str, Any]) -> Drawing:
    """Mean loss of each explanation against the step, and that above random order.

    measured: attributes of the evaluation's table: its name, settings, classifier and seed. The
    second panel is there if one of several explanations is a random order.

    Raises:
        StoreError: the random order was not measured on the images of another explanation.
    """
    random = next((one for one in curves if one.method == "random"), None)
    panels = [_Panel("curves", "AOPC", _value_in_words(measured), list(curves))]
    if random is not None and len(curves) > 1:
        others = [one.above(random) for one in curves if one is not random]
        panels.append(
            _Panel("curves_above_random", "AOPC above random", "the same, minus random", others)
        )
    looks = {one.explanation: _look(n, one) for n, one in enumerate(curves)}
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
    return Canvas.empty(width, TOP + PLOT_HEIGHT + UNDER + entries * LEGEND_LINE + 0.1)


def _left(number: int) -> float:
    return LEFT + number * (LEFT + PLOT_WIDTH + RIGHT)


def _look(number: int, one: Losses) -> _Look:
    """Random order is grey and dashed."""
    if one.method == "random":
        return _Look(style.BASELINE, "--", "")
    return _Look(style.METHODS[number % len(style.METHODS)], "-", _MARKERS[number % len(_MARKERS)])


def _draw_panel(canvas: Canvas, number: int, panel: _Panel, looks: Mapping[str, _Look]) -> None:
    axes = canvas.axes(_left(number), TOP, PLOT_WIDTH, PLOT_HEIGHT)
    axes.axhline(0, color=style.FRAME, linewidth=0.6, zorder=0)
    for one in panel.curves:
        _draw_curve(axes, one, panel.measure, looks[one.explanation])
    axes.set_xlim(0, max(len(one.mean) for one in panel.curves) - 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("regions removed, k")
    axes.set_ylabel(panel.axis)
    drop = -(UNDER - 0.08) / PLOT_HEIGHT
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, drop), borderaxespad=0, fontsize=8)


def _draw_curve(axes: Axes, one: Losses, measure: str, look: _Look) -> None:
    steps = np.arange(len(one.mean))
    name = style.wrap(one.explanation, 30, 1)
    axes.plot(
        steps,
        one.mean,
        label=f"{name}: {measure} {style.with_error(*one.area)}",
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        linewidth=1.3,
        markersize=3.2,
        markevery=max(1, len(steps) // 12),
        clip_on=False,
    )
    low, high = one.mean - one.standard_error, one.mean + one.standard_error
    axes.fill_between(steps, low, high, color=look.colour, alpha=0.13, linewidth=0)


def _value_in_words(measured: Mapping[str, Any]) -> str:
    return f"{LOSS}, {_output(measured)}"


def _output(measured: Mapping[str, Any]) -> str:
    outputs = {"score": "class score", "probability": "class probability"}
    return outputs[measured["settings"]["output"]]


def _caption(panels: Sequence[_Panel], random: Losses | None, measured: Mapping[str, Any]) -> str:
    settings = measured["settings"]
    counts = sorted({len(one.images) for one in panels[0].curves})
    images = " to ".join(str(number) for number in counts[:1] + counts[1:][-1:])
    side = settings["region"]
    second = "" if random is None else f"b: the same, minus {random.explanation}, image by image."
    return captions.paragraphs(
        [
            f"Region perturbation of {images} held-out image{'' if counts == [1] else 's'} for "
            f"classifier {measured['classifier']}, evaluation {measured['evaluation']}.",
            f"{'a' if len(panels) > 1 else 'Drawn'}: {LOSS}, what the explained class loses once "
            "the k regions that a heatmap ranks first are replaced by uniform noise; "
            f"{_ORDERS[settings['order']]}; f is the {_output(measured)}.",
            second if len(panels) > 1 else "",
            f"Regions are {side} {style.TIMES} {side} pixels without overlap; L = "
            f"{settings['steps']} steps; {settings['repeats']} draws of the noise for an image.",
            "Lines: mean over images and draws. Bands and ±: one standard error over images"
            + (", unknown for a single image." if counts[0] == 1 else "."),
            "AOPC: mean of a curve over k = 0 to L, in the unit of f.",
            "The classifier ran in bfloat16." if settings.get("precision") == "bfloat16" else "",
            f"Seed {measured['seed']}.",
        ]
    )


def _standard_error(values: np.ndarray) -> np.ndarray:
    """(images, ...) -> (...); NaN for a single image."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))
