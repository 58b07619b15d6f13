"""How accurate a classifier of a simulated cohort is over cohorts of other seeds.

One cohort of 140 subjects says little: its accuracy is off by some 4 % either way.
"""

from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.classifiers.cross_validation import (
    cross_validated,
    features_for,
    strengths,
)
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.measures import held_out_measures
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.evaluation.measures.cohort_accuracy import CohortAccuracy
from prediction_difference.intervals import students_interval
from prediction_difference.progress import track
from prediction_difference.run import Config

_COLUMNS = ("accuracy", "balanced_accuracy", "area_under_curve")


def measure_cohort_accuracy(settings: CohortAccuracy, name: str, config: Config) -> Any:
    """A data frame with one row per cohort, effect and C.

    Columns: classifier, cohort (its seed), effect, C (a number, or nested), accuracy,
    balanced_accuracy, area_under_curve. The first cohort's folds and planes are those of the run.
    """
    import pandas

    classifier = config.classifiers[settings.classifier]
    assert isinstance(classifier, LogisticRegression)
    dataset = config.datasets[classifier.dataset]
    assert isinstance(dataset, SimulatedFA)
    rows = []
    for seed in track(range(config.run.seed, config.run.seed + settings.cohorts), name):
        key = randomness.key(seed, "classifier", settings.classifier)
        for effect in settings.effects or (dataset.effect,):
            changed = dataset.model_copy(update={"effect": effect})
            cohort = changed.load(classifier.dataset, seed)
            for C, found in _tried(classifier, settings, cohort, key):
                measured = {column: found[column] for column in _COLUMNS}
                described = {"cohort": seed, "effect": effect, "C": C}
                rows.append({"classifier": settings.classifier, **described, **measured})
    table = pandas.DataFrame(rows)
    table.attrs = {
        "classifier": classifier.model_dump(mode="json"),
        "dataset": dataset.model_dump(mode="json"),
    }
    return table


def _tried(
    classifier: LogisticRegression, settings: CohortAccuracy, cohort: Dataset, key: int
) -> list[tuple[str, dict[str, Any]]]:
    """Each C, as text, and what the classifier measures with it; the row space is found once."""
    features = features_for(classifier, cohort)
    own = strengths(classifier)
    tried: dict[str, Any] = {f"{C:g}": C for C in settings.C}
    tried = tried or {f"{own:g}" if isinstance(own, float) else "nested": own}
    found = []
    for text, C in tried.items():
        probabilities = cross_validated(features, cohort.labels, cohort.split, C, key)
        known = ~np.isnan(probabilities).any(1)
        found.append((text, held_out_measures(probabilities[known], cohort.labels[known])))
    return found


def summarise_cohorts(table: Any) -> Any:
    """A data frame: classifier, effect, C, cohorts, and mean, deviation, low, high of accuracy."""
    import pandas

    rows = []
    for key, part in table.groupby(["classifier", "effect", "C"], sort=False):
        accuracy = part["accuracy"].to_numpy()
        low, high = students_interval(accuracy)
        mean, deviation = float(accuracy.mean()), float(accuracy.std(ddof=1))
        rows.append((*key, len(part), mean, deviation, low, high))
    columns = ["classifier", "effect", "C", "cohorts", "mean", "deviation", "low", "high"]
    return pandas.DataFrame(rows, columns=columns)
