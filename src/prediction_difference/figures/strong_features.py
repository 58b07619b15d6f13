"""Accuracy with only the strong features of a class, and without, by their threshold."""

from typing import Any

from prediction_difference.classifiers import unseen
from prediction_difference.evaluation.strong_features import summarise_strong_features
from prediction_difference.figures import captions, plots, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import Drawing, rounded

PLOT_WIDTH, PLOT_HEIGHT, LEFT, TOP, UNDER, LEGEND = 2.6, 2.1, 0.6, 0.4, 0.5, 2.6  # inches
_TITLES = {"only": "only the strong features", "without": "without the strong features"}


def strong_features(table: Any) -> Drawing:
    """Accuracy of every explanation against the threshold, with bands, a panel for each part.

    table: of `measure_strong_features`.
    """
    summary = summarise_strong_features(table)
    step = LEFT + PLOT_WIDTH + 0.1
    canvas = Canvas.empty(2 * step + LEGEND, TOP + PLOT_HEIGHT + UNDER)
    for number, (part, title) in enumerate(_TITLES.items()):
        axes = canvas.axes(LEFT + number * step, TOP, PLOT_WIDTH, PLOT_HEIGHT)
        rows = summary[summary["part"] == part]
        for place, (name, curve) in enumerate(rows.groupby("explanation", sort=False)):
            look = plots.look(place, curve["method"].iloc[0])
            words = style.wrap(str(name), 34, 1)
            axes.plot(curve["threshold"], curve["accuracy"], label=words, **look)
            bounds = curve["low"], curve["high"]
            axes.fill_between(
                curve["threshold"], *bounds, color=look["color"], alpha=0.13, linewidth=0
            )
        full = summary[summary["part"] == "full"]["accuracy"].iloc[0]
        axes.axhline(full, color=style.BASELINE, linewidth=0.9, linestyle="--", label="full image")
        if published := table.attrs["settings"].get("published"):
            look = {"color": style.INK, "linewidth": 0.9, "linestyle": ":"}
            axes.axhline(published[part], label="paper", **look)
        axes.set(ylim=(0, 1.02), xlabel="threshold, share of the map's largest value")
        axes.set_title(title, fontsize=8, loc="left")
        if number == 0:
            axes.set_ylabel("accuracy")
        else:
            axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.0), fontsize=8, borderaxespad=0)
    numbers = [
        {key: value if isinstance(value, str) else rounded(value) for key, value in row.items()}
        for row in summary.to_dict("records")
    ]
    return Drawing(canvas.figure, {"rows": numbers}, _caption(table))


def _caption(table: Any) -> str:
    attributes = table.attrs
    words = [with_settings(n, s) for n, s in attributes["explanations"].items()]
    images = captions.images(table["image"].nunique(), attributes)
    return captions.paragraphs(
        [
            f"Accuracy of classifier {attributes['classifier']} on {images} of dataset "
            f"{attributes['dataset']}, other pixels or the strong ones set to "
            f"{attributes['settings']['fill']:g}.",
            captions.not_known(attributes),
            "Strong features: the pixels where the map of the label's class is positive and at "
            "least the threshold times its largest value. Bands: Wilson's 95 % intervals. Dashed: "
            "the full images." + _published(attributes),
        ],
        [
            f"{'; '.join(words)}.",
            f"Evaluation {attributes['evaluation']}, seed {attributes['seed']}.",
        ],
    )


def _published(attributes: Any) -> str:
    words = ""
    if attributes["accuracy"] is not None:
        words += f" Of all {unseen.noun(attributes)}s, {attributes['accuracy']:.2%} are right."
    if published := attributes["settings"].get("published"):
        words += (
            f" Dotted: what the paper found, at a threshold that it does not give; of full images "
            f"{published['full']:.2%}."
        )
    return words
