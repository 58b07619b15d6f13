"""How good the heatmaps of a network are while it is trained, beside its accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from prediction_difference.attribution.method import is_baseline
from prediction_difference.classifiers.card import Card
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.table import image_names
from prediction_difference.figures import captions, style
from prediction_difference.figures import perturbation_curves as drawn
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.losses import Losses, losses, random_order
from prediction_difference.intervals import (
    CONFIDENCE,
    correlation_with_means,
    interval_of_mean,
)

_PLOT_WIDTH, _PLOT_HEIGHT = 2.7, 2.3  # inches
_LEFT, _RIGHT, _TOP, _UNDER = 0.7, 0.75, 0.4, 0.55
_LEGEND_LINE = 0.2
_OUTPUTS = ("score", "probability")
_ACCURACY = "test accuracy, right axis"


@dataclass(frozen=True)
class Moment:
    """A network after an epoch of its training: its card, and the table of an evaluation."""

    card: Card
    table: Any

    @property
    def epoch(self) -> int:
        """After which the network was kept.

        Raises:
            StoreError: it has no epochs.
        """
        if self.card.epoch is None or self.card.accuracy is None:
            remedy = "name evaluations of classifiers of kind: checkpoint"
            raise StoreError(self.card.name, "has no epochs, or no held-out images", remedy)
        return self.card.epoch

    @property
    def accuracy(self) -> float:
        """Over all held-out images."""
        return float("nan") if self.card.accuracy is None else self.card.accuracy

    @cached_property
    def image_names(self) -> dict[str, str]:
        """Of the images, by slot."""
        return image_names(self.table)


@dataclass(frozen=True)
class Curve:
    """AOPC of an explanation at all moments: (images, moments); accuracies: (moments,)."""

    label: str
    method: str
    areas: np.ndarray
    accuracies: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(moments,) over images."""
        return np.asarray(self.areas.mean(axis=0))

    @property
    def correlation(self) -> tuple[float, tuple[float, float]]:
        """With the accuracy, and ends of its interval."""
        return correlation_with_means(self.areas, self.accuracies)

    def after(self, number: int) -> "Curve":
        """Without the first moments."""
        return Curve(self.label, self.method, self.areas[:, number:], self.accuracies[number:])

    @property
    def numbers(self) -> dict[str, Any]:
        """What is drawn, JSON-like."""
        low, high = interval_of_mean(self.areas)
        correlation, ends = self.correlation
        return {
            "explanation": self.label,
            "method": self.method,
            "aopc": rounded(self.mean),
            "low": rounded(low),
            "high": rounded(high),
            "correlation": rounded(correlation),
            "correlation_interval": rounded(ends),
        }


def training_curves(moments: Sequence[Moment], labels: Sequence[str]) -> Drawing:
    """AOPC and accuracy against the epoch [samek2017, Fig. 7], for scores and for probabilities.

    The explanations of all evaluations are in the same order; labels: what they are called in it,
    none: as in the first. AOPC is that above random order, image by image, where there is one.

    Raises:
        StoreError: the moments are of several trainings, or their images differ.
    """
    moments = sorted(moments, key=lambda moment: moment.epoch)
    _refuse_others(moments)
    panels = {output: curves_of(moments, labels, output) for output in _OUTPUTS}
    entries = max(map(len, panels.values())) + 1
    panel_width = _LEFT + _PLOT_WIDTH + _RIGHT
    height = _TOP + _PLOT_HEIGHT + _UNDER + entries * _LEGEND_LINE + 0.1
    canvas = Canvas.empty(len(panels) * panel_width, height)
    for number, (output, curves) in enumerate(panels.items()):
        left = number * panel_width + _LEFT
        axes = canvas.axes(left, _TOP, _PLOT_WIDTH, _PLOT_HEIGHT)
        _draw_panel(axes, moments, curves, output)
        canvas.text(left - _LEFT + 0.1, 0.28, "ab"[number], size=10, weight="bold", stands_on=True)
    return Drawing(canvas.figure, _numbers(moments, panels), _caption(moments, panels))


def curves_of(moments: Sequence[Moment], labels: Sequence[str], output: str) -> list[Curve]:
    """A curve of each explanation that is no random order; output: score or probability."""
    accuracies = np.array([moment.accuracy for moment in moments])
    ordered = [_in_order(moment.table, output) for moment in moments]
    names = labels or [one.explanation for one in ordered[0]]
    curves = []
    for number, first in enumerate(ordered[0]):
        if random_order([first]) is not None:
            continue
        areas = [_areas(one[number], one) for one in ordered]
        curves.append(Curve(names[number], first.method, np.stack(areas, axis=1), accuracies))
    return curves


def _in_order(table: Any, output: str) -> list[Losses]:
    by_name = {one.explanation: one for one in losses(table, output)}
    return [by_name[name] for name in table.attrs["settings"]["explanations"]]


def _areas(one: Losses, others: Sequence[Losses]) -> np.ndarray:
    random = random_order(others)
    return one.areas if random is None else one.above(random).areas


def _refuse_others(moments: Sequence[Moment]) -> None:
    first = moments[0]
    for moment in moments[1:]:
        name = moment.card.name
        if moment.card.family != first.card.family:
            what = f"is of the training of {moment.card.family}, not of {first.card.family}"
            raise StoreError(name, what, "draw a figure of each")
        if moment.image_names != first.image_names:
            what = f"was measured on other images than {first.card.name}"
            raise StoreError(name, what, "name the images, or take random ones")


# --- drawing ----------------------------------------------------------------------------------


def _draw_panel(
    axes: Axes, moments: Sequence[Moment], curves: Sequence[Curve], output: str
) -> None:
    epochs = [moment.epoch for moment in moments]
    axes.axhline(0, color=style.FRAME, linewidth=0.6, zorder=0)
    for number, curve in enumerate(curves):
        _draw_curve(axes, epochs, curve, drawn.look_of(number))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epochs of training")
    above = " above random" if _has_random(moments) else ""
    axes.set_ylabel(f"AOPC{above}, class {output}")
    right = axes.twinx()
    accuracies = [moment.accuracy for moment in moments]
    right.plot(
        epochs,
        accuracies,
        color=style.INK,
        linestyle="--",
        marker="x",
        markersize=3.5,
        linewidth=1.0,
        label=_ACCURACY,
    )
    right.set_ylim(0, 1)
    right.yaxis.set_major_formatter(PercentFormatter(1))
    right.set_ylabel("test accuracy")
    right.spines["right"].set_visible(True)
    lines = [*axes.get_lines()[1:], *right.get_lines()]
    drop = -(_UNDER - 0.08) / _PLOT_HEIGHT
    axes.legend(
        lines,
        [str(line.get_label()) for line in lines],
        loc="upper left",
        bbox_to_anchor=(-0.02, drop),
        borderaxespad=0,
        fontsize=8,
    )


def _draw_curve(axes: Axes, epochs: Sequence[int], curve: Curve, look: drawn.Look) -> None:
    name = style.wrap(curve.label, 26, 1)
    axes.plot(
        epochs,
        curve.mean,
        label=f"{name}: {_correlation_in_words(curve)}",
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        linewidth=1.3,
        markersize=3.2,
    )
    low, high = interval_of_mean(curve.areas)
    axes.fill_between(epochs, low, high, color=look.colour, alpha=0.13, linewidth=0)


def _correlation_in_words(curve: Curve) -> str:
    found, (low, high) = curve.correlation
    if not np.isfinite(found):
        return f"r = {style.UNKNOWN}"
    interval = f" ({style.number(low, 2)} to {style.number(high, 2)})" if np.isfinite(low) else ""
    return f"r = {style.number(found, 2)}{interval}"


def _has_random(moments: Sequence[Moment]) -> bool:
    return any(map(is_baseline, set(moments[0].table["method"])))


# --- numbers and words ------------------------------------------------------------------------


def _numbers(moments: Sequence[Moment], panels: Mapping[str, Sequence[Curve]]) -> dict[str, Any]:
    numbers = {
        "epochs": [moment.epoch for moment in moments],
        "accuracy": [rounded(moment.accuracy) for moment in moments],
        "held_out_images": moments[0].card.held_out_images,
        "images": len(moments[0].image_names),
        "is_above_random": _has_random(moments),
    }
    curves = {output: [curve.numbers for curve in curves] for output, curves in panels.items()}
    trained = {
        output: {curve.label: rounded(curve.after(1).correlation[0]) for curve in curves}
        for output, curves in panels.items()
    }
    has_untrained = moments[0].epoch == 0
    return {**numbers, **curves, **({"correlation_of_trained": trained} if has_untrained else {})}


def _caption(moments: Sequence[Moment], panels: Mapping[str, Sequence[Curve]]) -> str:
    measured = moments[0].table.attrs
    card = moments[0].card
    of_score = {**measured, "settings": {**measured["settings"], "output": "score"}}
    epochs = ", ".join(str(moment.epoch) for moment in moments)
    images = captions.images(len(moments[0].image_names), measured)
    above = ", less that of the random order, image by image" if _has_random(moments) else ""
    return captions.paragraphs(
        [
            f"Classifier {card.family} after epochs {epochs} of its training: AOPC of {images}, "
            f"the same each time, and accuracy on {card.held_out_images:,} held-out images.",
            f"a: {drawn.removal(of_score)} b: the same, f is the class probability.",
            drawn.regions(measured),
            f"AOPC: mean over k = 0 to L, in the unit of f{above}. Class scores have no scale of "
            "their own and may grow while a network learns, probabilities have one.",
            f"Lines: mean over images and draws. Bands: {CONFIDENCE:.0%} bootstrap intervals of "
            "the mean over images.",
            "r: correlation over these networks of mean AOPC and accuracy, with the same kind of "
            "interval, which does not tell of how few networks there are.",
            _without_untrained(moments, panels),
            _training(card),
            f"Seed {measured['seed']}.",
        ]
    )


def _without_untrained(moments: Sequence[Moment], panels: Mapping[str, Sequence[Curve]]) -> str:
    """Correlations that do not rest on the step from chance to a first epoch."""
    if moments[0].epoch != 0 or len(moments) < 4:
        return ""
    words = [
        f"{letter}: "
        + ", ".join(f"{c.label} ({style.number(c.after(1).correlation[0], 2)})" for c in curves)
        for letter, curves in zip("ab", panels.values(), strict=True)
    ]
    return f"Without the untrained network, epoch 0, r is {'; '.join(words)}."


def _training(card: Card) -> str:
    s = card.training_settings
    instances = " or ".join(f"{n:,}" for n in sorted(set(card.training_instances.values())))
    augmented = ["mirrored"] * s["flip"] + [f"moved by up to {s['shift']} pixels"] * bool(
        s["shift"]
    )
    return (
        f"Network: {s['architecture']}, width {s['width']}, {s['halvings']} halvings of the "
        f"resolution{' by maxima' * (s.get('pooling') == 'max')}, dropout {s['dropout']:g}; "
        f"trained on {instances} images"
        + (f", {' and '.join(augmented)} at random" if augmented else "")
        + f", batches of {s['batch_size']}, learning rate up to {s['learning_rate']:g}, "
        f"{s['precision']}."
    )
