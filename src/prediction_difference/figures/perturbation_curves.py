"""How fast a class disappears while regions are removed, and the area over these curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from prediction_difference.evaluation.perturbation import aopc
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing, rounded

PLOT_WIDTH, PLOT_HEIGHT = 3.3, 2.6  # inches
LEFT, RIGHT, TOP = 0.62, 0.2, 0.4
UNDER = 0.55  # for the numbers and the name of the axis of steps
LEGEND_LINE = 0.2
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
        """Difference from a baseline, image by image."""
        rows = [baseline.images.index(image) for image in self.images]
        difference = self.values - baseline.values[rows]
        return Losses(self.explanation, self.method, self.images, difference)


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
    second panel is there if one of the explanations is a random order.
    """
    random = next((one for one in curves if one.method == "random"), None)
    panels: list[tuple[str, list[Losses]]] = [("AOPC", list(curves))]
    if random is not None:
        others = [one.above(random) for one in curves if one is not random]
        panels.append(("AOPC above random", others))
    canvas = _empty_canvas(len(panels), len(curves))
    looks = {one.explanation: _look(n, one) for n, one in enumerate(curves)}
    for number, (measure, shown) in enumerate(panels):
        left = LEFT + number * (LEFT + PLOT_WIDTH + RIGHT)
        axes = canvas.axes(left, TOP, PLOT_WIDTH, PLOT_HEIGHT)
        _draw_curves(axes, shown, measure, looks)
        is_first = number == 0
        axes.set_ylabel(_value_in_words(measured) if is_first else "the same, minus random order")
        canvas.text(left - LEFT + 0.1, 0.1, "ab"[number], size=10, weight="bold")
    return Drawing(canvas.figure, _numbers(panels), _caption(curves, random, measured))


def _empty_canvas(panels: int, entries: int) -> Canvas:
    width = panels * (LEFT + PLOT_WIDTH + RIGHT)
    return Canvas.empty(width, TOP + PLOT_HEIGHT + UNDER + entries * LEGEND_LINE + 0.1)


def _look(number: int, one: Losses) -> dict[str, Any]:
    """Colour, marker and line of an explanation; random order is grey and dashed."""
    if one.method == "random":
        return {"color": style.BASELINE, "linestyle": "--", "marker": None}
    return {
        "color": style.METHODS[number % len(style.METHODS)],
        "linestyle": "-",
        "marker": _MARKERS[number % len(_MARKERS)],
    }


def _draw_curves(
    axes: Axes, curves: Sequence[Losses], measure: str, looks: Mapping[str, dict[str, Any]]
) -> None:
    axes.axhline(0, color=style.FRAME, linewidth=0.6, zorder=0)
    for one in curves:
        look = looks[one.explanation]
        steps = np.arange(len(one.mean))
        area, error = (style.number(value) for value in one.area)
        axes.plot(
            steps,
            one.mean,
            label=f"{style.wrap(one.explanation, 30, 1)}: {measure} {area} ± {error}",
            linewidth=1.3,
            markersize=3.2,
            markevery=max(1, len(steps) // 12),
            **look,
        )
        low, high = one.mean - one.standard_error, one.mean + one.standard_error
        axes.fill_between(steps, low, high, color=look["color"], alpha=0.13, linewidth=0)
    axes.set_xlim(0, max(len(one.mean) for one in curves) - 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("regions removed, k")
    drop = -(UNDER - 0.08) / PLOT_HEIGHT
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, drop), borderaxespad=0, fontsize=8)


def _value_in_words(measured: Mapping[str, Any]) -> str:
    return f"f(x) {style.MINUS} f(x⁽ᵏ⁾), {_output(measured)}"


def _output(measured: Mapping[str, Any]) -> str:
    outputs = {"score": "class score", "probability": "class probability"}
    return outputs[measured["settings"]["output"]]


def _numbers(panels: Sequence[tuple[str, Sequence[Losses]]]) -> dict[str, Any]:
    keys = ("curves", "curves_above_random")
    return {key: [_curve(one) for one in shown] for key, (_, shown) in zip(keys, panels)}  # noqa: B905


def _curve(one: Losses) -> dict[str, Any]:
    area, error = one.area
    return {
        "explanation": one.explanation,
        "method": one.method,
        "images": len(one.images),
        "mean": rounded(one.mean),
        "standard_error": rounded(one.standard_error),
        "aopc": rounded(area),
        "aopc_standard_error": rounded(error),
    }


def _caption(curves: Sequence[Losses], random: Losses | None, measured: Mapping[str, Any]) -> str:
    settings = measured["settings"]
    counts = sorted({len(one.images) for one in curves})
    images = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    second = (
        f"b: the same, minus random order ({random.explanation}), image by image."
        if random is not None
        else ""
    )
    return captions.join(
        [
            f"Region perturbation of {images} for classifier {measured['classifier']}, "
            f"evaluation {measured['evaluation']}.",
            f"a: what the explained class loses, f(x) {style.MINUS} f(x⁽ᵏ⁾), once the k regions that a heatmap "
            f"ranks first are replaced by uniform noise; {_ORDERS[settings['order']]}; f is the "
            f"{_output(measured)}.",
            f"Regions are {settings['region']} {style.TIMES} {settings['region']} pixels without overlap, "
            f"L = {settings['steps']} steps, {settings['repeats']} noise draws an image.",
            second,
            "Lines: mean over images and draws. Bands and ±: one standard error over images"
            + (", unknown for a single image." if counts[0] == 1 else "."),
            "AOPC: mean of a curve over k = 0 to L, in the unit of f.",
            f"Seed {measured['seed']}.",
        ]
    )


def _standard_error(values: np.ndarray) -> np.ndarray:
    """(images, ...) -> (...); NaN for a single image."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))
