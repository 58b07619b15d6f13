"""Sums of relevance by scores, and how relevance is distributed [montavon2017, Fig. 6]."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from prediction_difference.evaluation.consistency import edges, summarise_consistency
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import Drawing, rounded

PANEL, GAP = 1.75, 0.55  # inches
LEFT, TOP, BETWEEN, HISTOGRAM, UNDER = 0.7, 0.55, 0.55, 1.3, 0.75
_DOTS = 9


def consistency(table: Any, labels: dict[str, str]) -> Drawing:
    """For each explanation every image's score and sum of relevance, and a histogram of pixels.

    table: of `measure_consistency`. labels: titles of explanations, in place of their names.
    """
    names = table.attrs["settings"]["compared"]
    parts = {name: table[table["explanation"] == name] for name in names}
    width = LEFT + len(parts) * (PANEL + GAP)
    canvas = Canvas.empty(width, TOP + PANEL + BETWEEN + HISTOGRAM + UNDER)
    for number, (name, part) in enumerate(parts.items()):
        left = LEFT + number * (PANEL + GAP)
        title = style.fit(labels.get(name, name), PANEL + GAP / 2, 8.5, 2, "bold")
        line = TOP - 0.12 - 0.15 * title.count("\n")
        middle = left + PANEL / 2
        canvas.text(middle, line, title, size=8.5, weight="bold", align="center", stands_on=True)
        _draw_sums(canvas.axes(left, TOP, PANEL, PANEL), part, is_first=number == 0)
        axes = canvas.axes(left, TOP + PANEL + BETWEEN, PANEL, HISTOGRAM)
        largest, unit = table.attrs["largest"][name], table.attrs["units"][name]
        _draw_histogram(axes, part, largest, unit, is_first=number == 0)
    return Drawing(canvas.figure, _numbers(table, parts), _caption(table))


def _draw_sums(axes: Axes, part: Any, is_first: bool) -> None:
    scores, totals = part["score"].to_numpy(), part["total"].to_numpy()
    highest = max(scores.max(), 0.0) * 1.05
    axes.plot([0, highest], [0, highest], color=style.BASELINE, linewidth=0.8, linestyle=":")
    axes.scatter(scores, totals, s=_DOTS, color=style.FOR, alpha=0.6, linewidths=0)
    low, high = min(0.0, float(totals.min())), max(float(totals.max()), highest)
    axes.set(xlim=(min(0.0, scores.min()), highest), ylim=(low * 1.05, high * 1.05))
    axes.set_xlabel("score")
    if is_first:
        axes.set_ylabel("sum of relevance")


def _draw_histogram(axes: Axes, part: Any, largest: float, unit: str, is_first: bool) -> None:
    counts, sides = _counts(part), edges(largest)
    middles = (sides[1:] + sides[:-1]) / 2
    is_negative = middles < 0
    colours = np.where(is_negative, style.AGAINST, style.FOR)
    axes.bar(middles, counts, width=np.diff(sides), color=colours, linewidth=0)
    axes.set_yscale("log")
    axes.set(xlim=(sides[0], sides[-1]), ylim=(0.5, counts.sum() * 1.5))
    powers = [10**n for n in range(int(np.log10(max(1, counts.sum()))) + 1)]
    axes.set_yticks(powers, labels=[f"{power:,}" for power in powers])
    axes.yaxis.set_minor_locator(NullLocator())
    ends = [-largest, 0.0, largest]
    axes.set_xticks(ends, labels=[style.number(end) for end in ends])
    axes.set_xlabel(style.fit(f"relevance, {unit}", PANEL + GAP / 2, 8, 2))
    if is_first:
        axes.set_ylabel("pixels")


def _counts(part: Any) -> np.ndarray:
    found: np.ndarray = np.sum([np.asarray(one) for one in part["histogram"]], axis=0)
    return found


def _numbers(table: Any, parts: dict[str, Any]) -> dict[str, Any]:
    summary = summarise_consistency(table).set_index("explanation")
    methods = []
    for name, part in parts.items():
        measured = summary.loc[name].drop(["method", "images"])
        methods.append(
            {
                "explanation": name,
                "method": part["method"].iloc[0],
                "images": list(part["image_name"]),
                "scores": rounded(part["score"]),
                "totals": rounded(part["total"]),
                "edges": rounded(edges(table.attrs["largest"][name])),
                "counts": _counts(part).tolist(),
                "means": {key: rounded(value) for key, value in measured.items()},
            }
        )
    return {"methods": methods}


def _caption(table: Any) -> str:
    attributes = table.attrs
    images = captions.images(table["image"].nunique(), attributes)
    shown = attributes["settings"]["compared"]
    words = [with_settings(n, attributes["explanations"][n]) for n in shown]
    return captions.paragraphs(
        [
            f"Heatmaps of {images} of dataset {attributes['dataset']}, explained for classifier "
            f"{attributes['classifier']}.",
            captions.not_known(attributes),
            "Above: each dot is an image, its score for the explained class and the sum of its "
            "relevance; on the dotted line are maps that conserve the score.",
            "Below: how many pixels of all images have a relevance, on a logarithmic scale; red "
            "from zero upwards, blue below. Each method has its own range, to its largest absolute "
            "relevance on both sides.",
        ],
        [
            f"{'; '.join(words)}.",
            f"Evaluation {attributes['evaluation']}, seed {attributes['seed']}.",
        ],
    )
