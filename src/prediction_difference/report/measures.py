"""Tables of continuity, image specificity and aggregation: each measure has columns of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.classifiers import unseen
from prediction_difference.evaluation.aggregation import totals, variation
from prediction_difference.evaluation.cohort_accuracy import summarise_cohorts
from prediction_difference.evaluation.consistency import summarise_consistency
from prediction_difference.evaluation.continuity import summarise_continuity
from prediction_difference.evaluation.dominance import summarise_dominance
from prediction_difference.evaluation.image_specificity import summarise_specificity
from prediction_difference.evaluation.location import summarise_location
from prediction_difference.evaluation.strong_features import summarise_strong_features
from prediction_difference.evaluation.table import read_table
from prediction_difference.figures.style import number, with_error


@dataclass(frozen=True)
class MeasureTable:
    """An evaluation in numbers: one row per explanation, after its name and method.

    meaning: of the numbers, in words.
    """

    name: str
    meaning: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    link: str


def measure_table(name: str, file: Path, link: str) -> MeasureTable:
    """The table of an evaluation, by its measure.

    Raises:
        StoreError: the file is missing or damaged.
    """
    table = read_table(file)
    made = _TABLES[table.attrs["settings"]["measure"]](table)
    return MeasureTable(name, *made, link)


_Made = tuple[str, Sequence[str], Sequence[Sequence[str]]]


def _continuity(table: Any) -> _Made:
    summary = summarise_continuity(table)
    steps = sorted(summary["steps"].unique())
    f = {"maximum": "max(x₁, x₂)", "rectifiers": "max(0, x₁) + max(0, x₂)"}
    meaning = (
        f"Largest change of explanations of {f[table.attrs['settings']['function']]} between "
        "neighbours on grids of so many points a side, as a share of the longest vector. It falls "
        "with the grid's step where a method is continuous."
    )
    rows = []
    for explanation, part in summary.groupby("explanation", sort=False):
        by_steps = part.set_index("steps")["change"]
        values = [number(float(by_steps[n])) for n in steps]
        rows.append([str(explanation), str(part["method"].iloc[0]), *values])
    return meaning, [f"{n} points" for n in steps], rows


def _specificity(table: Any) -> _Made:
    summary = summarise_specificity(table)
    degrees = sorted(angle for angle in table["degrees"].unique() if angle)
    angles = ", ".join(f"{angle:g}" for angle in degrees)
    meaning = (
        f"Correlation of the maps of images that are turned by {angles} degrees with the unturned "
        "image's map, and with that map turned alike: means over angles and images ± standard "
        "errors over images. A method that does not look at the image has 1 in the first column."
    )
    rows = []
    for explanation, part in summary.groupby("explanation", sort=False):
        values = [
            with_error(part[measure].mean(), part[measure].sem())
            for measure in ("correlation", "following")
        ]
        rows.append([str(explanation), str(part["method"].iloc[0]), str(len(part)), *values])
    return meaning, ["images", "with the unturned map", "with the turned map"], rows


def _consistency(table: Any) -> _Made:
    meaning = (
        "Means over images. Conservation: error of the sum of relevance, as a share of the score. "
        "Negative: share of absolute relevance that is below zero. Outside: share of absolute "
        "relevance that is not where the label's object is. Difference: of maps that were begun "
        "elsewhere or computed again, as a share of their strength; 0 where a method has one "
        "solution. A dash: not measured."
    )
    rows = []
    for row in summarise_consistency(table).to_dict("records"):
        values = [
            "-" if np.isnan(row[key]) else number(row[key])
            for key in ("conservation", "negative", "outside", "difference", "seconds")
        ]
        rows.append([row["explanation"], row["method"], str(row["images"]), *values])
    columns = ["images", "conservation", "negative", "outside", "difference", "seconds a map"]
    return meaning, columns, rows


def _strong_features(table: Any) -> _Made:
    fill = table.attrs["settings"]["fill"]
    meaning = (
        "Share of images that are classified correctly with only the strong features of the true "
        f"class (other pixels: {fill:g}), and without them (these: {fill:g}), by the share of the "
        "map's largest value from which a pixel is strong; with Wilson's 95 % intervals."
    )
    if table.attrs["accuracy"] is not None:
        accuracy = table.attrs["accuracy"]
        meaning += f" Of all {unseen.noun(table.attrs)}s, {accuracy:.2%} are right."
    published = table.attrs["settings"].get("published")
    rows = []
    for row in summarise_strong_features(table).to_dict("records"):
        accuracy = f"{row['accuracy']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
        is_full = row["part"] == "full"
        threshold = "" if is_full else f"{row['threshold']:g}"
        share = "" if is_full else f"{row['share']:.1%}"
        part = {"full": "full image", "only": "only strong", "without": "without strong"}
        # The paper removes all that responds, which is threshold 0.
        is_comparable = published is not None and row["threshold"] == 0
        in_paper = f"{published[row['part']]:.2%}" if is_comparable else ""
        rows.append(
            [
                row["explanation"],
                row["method"],
                str(row["images"]),
                part[row["part"]],
                threshold,
                share,
                accuracy,
                *([in_paper] if published else []),
            ]
        )
    columns = ["images", "part", "threshold", "strong pixels", "accuracy"]
    return meaning, [*columns, *(["paper"] if published else [])], rows


def _dominance(table: Any) -> _Made:
    least = table.attrs["settings"]["least_response"]
    meaning = (
        "How often the class that dominates the CLEAR map is the predicted one: by pixels with at "
        f"least {least:.0%} of the largest response, or by summed response. With Wilson's 95 % "
        "intervals; by chance, if every explained class dominated as often; last, how often it is "
        "the label. Methods that keep the score, such as LRP and deep Taylor, must sum up to more "
        "for a class with a higher score, so that their sums say little that scores do not."
    )
    rows = [
        [
            row["explanation"],
            row["method"],
            str(row["images"]),
            "right" if row["right"] else "wrong",
            {"area": "pixels", "sum": "summed response"}[row["measure"]],
            f"{row['agreement']:.1%} ({row['low']:.1%} to {row['high']:.1%})",
            f"{row['chance']:.0%}",
            f"{row['label']:.1%}",
        ]
        for row in summarise_dominance(table).to_dict("records")
    ]
    return (
        meaning,
        ["images", "decisions", "dominant by", "is predicted", "by chance", "is label"],
        rows,
    )


def _aggregation(table: Any) -> _Made:
    meaning = (
        "Total relevance of an image by the explained class's score. A method that conserves the "
        "score has a mean of 1 and no variation, so that its maps can be added up."
    )
    rows = []
    for explanation, part in table.groupby("explanation", sort=False):
        values = totals(part)
        numbers = [values.mean(), variation(values), values.min(), values.max()]
        rows.append(
            [
                str(explanation),
                str(part["method"].iloc[0]),
                str(len(values)),
                *(number(float(value)) for value in numbers),
            ]
        )
    columns = ["images", "mean", "coefficient of variation", "smallest", "largest"]
    return meaning, columns, rows


def _location(table: Any) -> _Made:
    settings = table.attrs["settings"]
    accuracy = table[table["quantity"] == "accuracy"]["value"].mean()
    meaning = (
        f"Over {table['cohort'].nunique()} simulated cohorts whose classifier is right for "
        f"{accuracy:.1%} of subjects on average, out of fold: how well the mean relevance in a "
        "region tells patients who were hit there from those of their fold who were not (area "
        "under the curve, mean over regions; 0.5 is chance), and correlation of maps between "
        "subjects of one class and of two. Means over cohorts, with 95 % bootstrap intervals. "
        f"Windows of side {settings['window']} at stride {settings['stride']}, patches of side "
        f"{settings['patch']}."
    )
    rows = []
    for row in summarise_location(table).to_dict("records"):
        values = [
            f"{row[key]:.2f} ({row[f'{key}_low']:.2f} to {row[f'{key}_high']:.2f})"
            for key in ("auc", "within", "across")
        ]
        is_difference = row["method"] in _PREDICTION_DIFFERENCES
        method = "prediction-difference" if is_difference else row["method"]
        rows.append([row["method"], method, str(row["cohorts"]), *values])
    return meaning, ["cohorts", "AUC of hits", "within a class", "across classes"], rows


_PREDICTION_DIFFERENCES = ("gaussian", "grid-index", "grid-cell", "voxel-mean", "marginal")


def _cohort_accuracy(table: Any) -> _Made:
    meaning = (
        "Held-out accuracy of the classifier over simulated cohorts of other seeds: mean, standard "
        "deviation over cohorts, and 95 % interval of the mean (by Student)."
    )
    rows = [
        [
            str(row["classifier"]),
            "logistic-regression",
            str(row["cohorts"]),
            f"{row['effect']:g}",
            str(row["C"]),
            f"{row['mean']:.1%}",
            f"{row['deviation']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
        ]
        for row in summarise_cohorts(table).to_dict("records")
    ]
    columns = ["cohorts", "effect", "C", "accuracy", "deviation", "interval of the mean"]
    return meaning, columns, rows


_TABLES: dict[str, Callable[[Any], _Made]] = {
    "continuity": _continuity,
    "image-specificity": _specificity,
    "aggregation": _aggregation,
    "consistency": _consistency,
    "strong-features": _strong_features,
    "dominance": _dominance,
    "location": _location,
    "cohort-accuracy": _cohort_accuracy,
}
