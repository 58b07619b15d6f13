"""Which maps find the damage of simulated patients, and how alike maps of subjects are."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from prediction_difference.evaluation.location import summarise_location
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import Drawing, rounded

NAMES, PANEL, GAP = 2.55, 2.7, 0.35  # inches
TOP, ROW, UNDER = 0.5, 0.26, 0.75
_HITS = {"auc": ("o", style.METHODS[0])}
_ALIKE = {"within": ("o", style.METHODS[2]), "across": ("D", style.METHODS[1])}
_APART = 0.3
"""Of a row, between two marks of one method, which may lie at the same place."""


def location_points(table: Any) -> Drawing:
    """For every explanation a point with its interval over cohorts: hits, and maps' likeness.

    table: of `measure_cohort`, joined.
    """
    rows = summarise_location(table).to_dict("records")
    height = TOP + len(rows) * ROW + UNDER
    canvas = Canvas.empty(NAMES + 2 * PANEL + GAP + 0.2, height)
    for number, row in enumerate(rows):
        line = TOP + (number + 0.5) * ROW - 0.07
        name = style.fit(row["explanation"], NAMES - 0.2, 8, 1)
        canvas.text(NAMES - 0.12, line, name, align="right")
    panels = (
        (_HITS, 0.5, "AUC: was this region hit?"),
        (_ALIKE, 0.0, "correlation of maps of two subjects"),
    )
    for number, (marks, line, words) in enumerate(panels):
        left = NAMES + number * (PANEL + GAP)
        _draw(canvas.axes(left, TOP, PANEL, len(rows) * ROW), rows, marks, line, words)
    right = NAMES + PANEL + GAP
    for number, (key, (_, colour)) in enumerate(_ALIKE.items()):
        words = {"within": "of one class", "across": "of two classes"}[key]
        place = right + number * PANEL / 2
        canvas.text(place, TOP - 0.1, words, colour=colour, weight="bold", stands_on=True)
    return Drawing(
        canvas.figure, {"explanations": [_numbers(row) for row in rows]}, _caption(table)
    )


def _draw(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    marks: Mapping[str, tuple[str, str]],
    line: float,
    words: str,
) -> None:
    axes.axvline(line, color=style.BASELINE, linewidth=0.8, linestyle="--", zorder=0)
    for number, row in enumerate(rows):
        for mark, (key, (marker, colour)) in enumerate(marks.items()):
            height = number + _APART * (mark - (len(marks) - 1) / 2)
            ends = [row[f"{key}_low"], row[f"{key}_high"]]
            axes.plot(ends, [height] * 2, color=colour, linewidth=1.6, solid_capstyle="butt")
            axes.plot([row[key]], [height], color=colour, marker=marker, markersize=4.5)
    for number in range(0, len(rows), 2):
        axes.axhspan(number - 0.5, number + 0.5, color="#f3f3f3", linewidth=0, zorder=-1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(words)


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {key: rounded(value) for key, value in row.items() if key != "explanation"}
    return {"explanation": row["explanation"], **numbers}


def _caption(table: Any) -> str:
    cohort, classifier = table.attrs["dataset_settings"], table.attrs["classifier_settings"]
    accuracy = table[table["quantity"] == "accuracy"]["value"].mean()
    regions = table[table["quantity"] == "auc"]["region"].nunique()
    slab = cohort["slab"]
    where = "whole brains" if slab is None else f"slices {slab['start']} to {slab['stop'] - 1}"
    return captions.paragraphs(
        [
            f"{captions.count(table['cohort'].nunique(), 'simulated cohort')} of "
            f"{cohort['patients']} patients and {cohort['controls']} controls, {where}; mean "
            f"decrease of {cohort['effect']:g} nominal standard deviations in a hit region. L2 "
            f"logistic regression with C = {classifier['C']} is right for {accuracy:.1%} of "
            "subjects. Every subject is explained out of fold, for the class of the patients.",
            "Left: across patients of a fold, how well the mean relevance in a region tells who "
            f"was hit there (area under the curve, mean over {captions.count(regions, 'region')}; "
            "0.5 is chance). Right: mean correlation of maps of two subjects; near 1, everybody "
            "has the same map. Points: means over cohorts; lines: 95 % bootstrap intervals.",
        ],
        [
            *(f"{with_settings(n, s)}." for n, s in table.attrs["explanations"].items()),
            *(
                f"Prior {name}: patches of side l = {prior['patch']}, location {prior['location']}."
                for name, prior in table.attrs["priors"].items()
            ),
            f"Evaluation {table.attrs['evaluation']}, seed {table.attrs['seed']}.",
        ],
    )
