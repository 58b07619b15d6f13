"""How good a classifier is on images that it was not fitted on, with how sure that is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prediction_difference.intervals import CONFIDENCE, interval_of_share


def held_out_measures(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """(n, K) probabilities and (n,) labels of held-out images -> measures, as JSON can hold them.

    accuracy; accuracy_interval: Wilson's, for one fitting and independent images; largest_class:
    share of the most frequent one, what a guess achieves; balanced_accuracy: mean over classes;
    area_under_curve: of two classes, the chance that one of the second scores above one of the
    first. None where there are no images, or one class only.
    """
    from scipy.stats import rankdata

    if len(labels) == 0:
        return {}
    right = probabilities.argmax(1) == labels
    there, counts = np.unique(labels, return_counts=True)
    measures = {
        "accuracy": float(right.mean()),
        "accuracy_interval": list(interval_of_share(int(right.sum()), len(right))),
        "largest_class": float(counts.max() / len(labels)),
        "balanced_accuracy": balanced_accuracy(right, labels),
    }
    if probabilities.shape[1] == 2 and len(there) == 2:
        ranks = rankdata(probabilities[:, 1] - probabilities[:, 0])
        low, high = counts
        area = (ranks[labels == 1].sum() - high * (high + 1) / 2) / (low * high)
        measures["area_under_curve"] = float(area)
    return measures


def balanced_accuracy(right: np.ndarray, labels: np.ndarray) -> float:
    """(n,) bool and labels -> the mean over classes of the share that is right."""
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def over_seeds(accuracies: Sequence[float]) -> dict[str, Any]:
    """Accuracies of several seeds -> their number, mean, standard deviation and the central 95 %.

    Notes: of seeds of the folds, they tell how much depends on who is in which fold; of seeds of
    cohorts, how much on who is in the cohort.
    """
    values = np.array(accuracies)
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return {
        "seeds": len(values),
        "mean": float(values.mean()),
        "standard_deviation": deviation,
        "interval": [float(low), float(high)],
    }
