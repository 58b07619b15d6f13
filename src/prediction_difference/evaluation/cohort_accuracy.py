"""How accurate a classifier of a simulated cohort is over cohorts of other seeds.

One cohort of 140 subjects says little: its accuracy is off by some 4 % either way.
"""

import dataclasses
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
from prediction_difference.intervals import CONFIDENCE
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


@dataclasses.dataclass(frozen=True)
class Mean:
    """Of numbers: their mean, standard deviation and the interval of the mean (Student's t)."""

    mean: float
    deviation: float
    low: float
    high: float


def mean_of(values: np.ndarray) -> Mean:
    """(n,) at least two independent numbers -> their mean and its 95 % interval."""
    from scipy.stats import t

    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * deviation / len(values) ** 0.5
    return Mean(mean, deviation, mean - reach, mean + reach)


def summarise_cohorts(table: Any) -> Any:
    """A data frame: classifier, effect, C, cohorts, and mean, deviation, low, high of accuracy."""
    import pandas

    rows = [
        {
            **dict(zip(("classifier", "effect", "C"), key, strict=True)),
            "cohorts": len(part),
            **dataclasses.asdict(mean_of(part["accuracy"].to_numpy())),
        }
        for key, part in table.groupby(["classifier", "effect", "C"], sort=False)
    ]
    return pandas.DataFrame(rows)
