"""Classifiers that are fitted at once: one for each held-out split, on all other images."""

from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.classifiers.card import SHIFTS
from prediction_difference.classifiers.fitted import Fitted, refuse_unfit
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.kinds.scikit_learn import ScikitLearnClassifier
from prediction_difference.classifiers.measures import over_seeds
from prediction_difference.data.dataset import TRAIN, Dataset
from prediction_difference.errors import DataError
from prediction_difference.progress import track

if TYPE_CHECKING:
    from prediction_difference.classifiers.logistic_regression import Features


def fit_planes(settings: LogisticRegression, dataset: Dataset, key: int) -> Fitted:
    """One plane per held-out split, fitted to all other images."""
    # scikit-learn takes a second to import, and networks have no use for it.
    from prediction_difference.classifiers import cross_validation, logistic_regression

    if len(dataset.class_names) != 2:
        raise DataError(
            settings.kind,
            f"separates two classes, the dataset has {len(dataset.class_names)}",
            "choose another dataset",
        )
    features = cross_validation.features_for(settings, dataset)
    strengths, shape = cross_validation.strengths(settings), dataset.images.shape[1:]
    weights: dict[str, np.ndarray] = {}
    instances: dict[str, int] = {}
    history = []
    scores = np.zeros((len(dataset.names), 2))
    for split in track(dataset.held_out_splits, "cross-validation"):
        out = dataset.in_split(split)
        refuse_unfit(dataset, ~out, split)
        logistic_regression.refuse_other_than_two(dataset.labels[~out])
        plane = logistic_regression.fit_plane(features, dataset.labels, ~out, strengths, key)
        linear = logistic_regression.LinearClassifier(
            logistic_regression.on_grid(plane.weight, shape, dataset.mask), plane.intercept
        )
        weights |= {
            f"{split}/weight": linear.weight,
            f"{split}/intercept": np.array(linear.intercept),
        }
        if settings.confounds:
            weights[f"{split}/{SHIFTS}"] = plane.shifts
        instances[split] = int((~out).sum())
        found = logistic_regression.scores_of(linear.log_odds(dataset.images[:]) + plane.shifts)
        scored = out | dataset.in_split(TRAIN)
        scores[scored] = found[scored]
        right = found.argmax(1) == dataset.labels
        history.append(
            {
                "split": split,
                "training_accuracy": float(right[~out].mean()),
                "test_accuracy": float(right[out].mean()),
                "C": plane.C,
            }
        )
    names = dataset.class_names
    measures = _found_beside(settings, dataset, features, scores, key)
    measures["C"] = {record["split"]: record["C"] for record in history}
    return Fitted(weights, instances, scores, history, names, {}, measures=measures)


def _found_beside(
    settings: LogisticRegression,
    dataset: Dataset,
    features: "Features",
    scores: np.ndarray,
    key: int,
) -> dict[str, Any]:
    """What the settings ask for beside the planes: other folds, permutations, other columns."""
    from prediction_difference.classifiers import cross_validation

    held_out = ~dataset.in_split(TRAIN)
    found: dict[str, Any] = {}
    if settings.repeats > 1:
        first = float((scores.argmax(1) == dataset.labels)[held_out].mean())
        found["over_seeds"] = over_seeds(
            cross_validation.accuracies_over_seeds(settings, features, dataset, first, key)
        )
    if settings.permutations:
        tried = np.where(held_out[:, None], scores, np.nan)
        found["permutation_test"] = cross_validation.permutation_test(
            settings, features, dataset, tried, key
        )
    if settings.also_predict:
        found["also_predicted"] = cross_validation.other_columns(settings, features, dataset, key)
    return found


def fit_estimators(settings: ScikitLearnClassifier, dataset: Dataset, key: int) -> Fitted:
    """One estimator per held-out split, fitted to all other images; see `estimators`."""
    from prediction_difference.classifiers import estimators

    classes = len(dataset.class_names)
    used = {split: ~dataset.in_split(split) for split in dataset.held_out_splits}
    kept = np.any(list(used.values()), axis=0)
    recipe = estimators.recipe_of(dataset, kept)
    weights = estimators.tensors_of(recipe)
    history = []
    scores = np.zeros((len(dataset.names), classes))
    for split in track(dataset.held_out_splits, "fitting"):
        out = ~used[split]
        refuse_unfit(dataset, ~out, split)
        weights[f"{split}/used"] = (~out)[kept]
        module = estimators.fitted_module(settings, recipe, (~out)[kept], classes, key)
        weights[f"{split}/log_probabilities"] = module.log_probabilities(recipe.voxels)
        found = module.log_probabilities(estimators.voxels_of(dataset.images[:], recipe.mask))
        scored = out | dataset.in_split(TRAIN)
        scores[scored] = found[scored]
        right = found.argmax(1) == dataset.labels
        history.append(
            {
                "split": split,
                "training_accuracy": float(right[~out].mean()),
                "test_accuracy": float(right[out].mean()),
            }
        )
    instances = {split: int(fitted_on.sum()) for split, fitted_on in used.items()}
    return Fitted(weights, instances, scores, history, dataset.class_names, {})
