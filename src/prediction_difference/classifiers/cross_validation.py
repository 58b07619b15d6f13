"""Logistic regressions of a cohort, each tried on what it was not fitted on, and on chance."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.classifiers.confounds import categories_of, design
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.logistic_regression import (
    NESTED,
    Features,
    features_of,
    fitted,
    pipeline,
)
from prediction_difference.classifiers.measures import (
    balanced_accuracy,
    held_out_measures,
)
from prediction_difference.data.dataset import TRAIN, Dataset
from prediction_difference.data.source import Split
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import DataError
from prediction_difference.progress import track


def strengths(settings: LogisticRegression) -> float | tuple[float, ...]:
    """C, or those that it is chosen from."""
    return NESTED if settings.C == "nested" else settings.C


def features_for(settings: LogisticRegression, dataset: Dataset) -> Features:
    """What the settings tell subjects apart by.

    Raises:
        DataError: a confound is missing, or lacks a value.
    """
    known = design(dataset, settings.confounds, settings.categories)
    return features_of(dataset.images[:], dataset.mask, known, settings.scaling)


def cross_validated(
    features: Features, labels: np.ndarray, split: Sequence[str], C: Any, key: int
) -> np.ndarray:
    """(n,) labels 0 to K - 1 -> (n, K) probabilities of held-out images, NaN for training images.

    Every held-out part is predicted by a pipeline that is fitted on all other images.
    """
    parts = np.array(split, dtype=object)
    probabilities = np.full((len(labels), int(labels.max()) + 1), np.nan)
    for part in sorted(set(split) - {TRAIN}):
        used = parts != part
        matrix = features.matrix(used)
        estimator = pipeline(C, features.known.shape[1], key)
        best = fitted(estimator, matrix[used], labels[used])
        probabilities[np.ix_(~used, best.classes_)] = best.predict_proba(matrix[~used])
    return probabilities


def accuracies_over_seeds(
    settings: LogisticRegression,
    features: Features,
    dataset: Dataset,
    first: float,
    key: int,
) -> list[float]:
    """Held-out accuracy over `repeats` seeds of the folds; `first`: that of the dataset's own."""
    splitting = _splitting(dataset.split, dataset.labels)
    found = [first]
    for repeat in track(range(1, settings.repeats), "other folds"):
        seed = randomness.key(key, "repeat", repeat)
        split = assign_splits(dataset.labels, splitting, seed, "repeats")
        found.append(_accuracy(features, dataset.labels, split, strengths(settings), key))
    return found


def permutation_test(
    settings: LogisticRegression,
    features: Features,
    dataset: Dataset,
    probabilities: np.ndarray,
    key: int,
) -> dict[str, Any]:
    """How often the whole cross-validation does as well by chance [ojala2010, test 1].

    Classes are shuffled within each fold, which keeps folds as balanced as they were. p: share of
    shufflings, the true classes among them, with at least this balanced accuracy.
    """
    labels, parts = dataset.labels, np.array(dataset.split, dtype=object)
    observed = _balanced(probabilities, labels)
    generator = randomness.generator(randomness.key(key, "permutations"))
    by_chance = []
    for _ in track(range(settings.permutations), "permutations"):
        shuffled = labels.copy()
        for part in np.unique(parts):
            shuffled[parts == part] = generator.permutation(labels[parts == part])
        guessed = cross_validated(features, shuffled, dataset.split, strengths(settings), key)
        by_chance.append(_balanced(guessed, shuffled))
    # Equal accuracies differ by rounding only.
    as_good = int((np.array(by_chance) >= observed - 1e-9).sum())
    return {
        "permutations": settings.permutations,
        "p": (1 + as_good) / (1 + settings.permutations),
        "balanced_accuracy_by_chance": float(np.mean(by_chance)),
    }


def other_columns(
    settings: LogisticRegression, features: Features, dataset: Dataset, key: int
) -> dict[str, Any]:
    """How well columns such as the scanner are predicted, by the same pipeline, out of fold.

    Where the images tell the scanner, a difference between groups may be one between scanners.

    Raises:
        DataError: a column is missing, lacks a value, or has a value that only one subject has.
    """
    found = {}
    for column in settings.also_predict:
        names, labels = categories_of(dataset, column)
        fewest = min(Counter(labels.tolist()).values())
        if fewest < 2:
            what = "has a value that only one image has, so it cannot be predicted out of fold"
            raise DataError(f"column {column!r}", what, "leave it out of also_predict")
        folds = len(set(dataset.split) - {TRAIN})
        splitting = Split(folds=min(max(folds, 2), fewest))
        split = assign_splits(labels, splitting, randomness.key(key, column), column)
        probabilities = cross_validated(features, labels, split, strengths(settings), key)
        found[column] = {"classes": list(names), **held_out_measures(probabilities, labels)}
    return found


def _splitting(split: Sequence[str], labels: np.ndarray) -> Split:
    """Settings that images were set apart by."""
    held_out = set(split) - {TRAIN}
    if len(held_out) > 1:
        return Split(folds=len(held_out))
    return Split(test_fraction=1 - split.count(TRAIN) / len(labels))


def _accuracy(
    features: Features, labels: np.ndarray, split: Sequence[str], C: Any, key: int
) -> float:
    probabilities = cross_validated(features, labels, split, C, key)
    tried = ~np.isnan(probabilities).any(1)
    return float((probabilities[tried].argmax(1) == labels[tried]).mean())


def _balanced(probabilities: np.ndarray, labels: np.ndarray) -> float:
    tried = ~np.isnan(probabilities).any(1)
    right = probabilities[tried].argmax(1) == labels[tried]
    return balanced_accuracy(right, labels[tried])
