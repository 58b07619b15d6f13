"""What is known of subjects beside their images, and its linear effect taken out of these."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from prediction_difference.data.dataset import TRAIN, Dataset
from prediction_difference.errors import DataError

_MOST_CATEGORIES = 20


def design(dataset: Dataset, columns: Sequence[str], categories: Sequence[str]) -> np.ndarray:
    """(n, P) float64: numbers as they are; of texts, and of `categories`, one 0 or 1 a value.

    Raises:
        DataError: a column is missing, lacks a value, or has a value that is in one held-out part
            alone, so that nothing tells its effect.
    """
    parts = [_coded(dataset, column, column in categories) for column in columns]
    return np.concatenate([np.empty((len(dataset.names), 0)), *parts], axis=1)


def categories_of(dataset: Dataset, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Values of a column in order, and the number of each image's.

    Raises:
        DataError: it is missing, lacks a value, or has one value, or more than 20.
    """
    texts = [_text(value) for value in _complete(dataset, column)]
    values = tuple(sorted(set(texts)))
    if not 1 < len(values) <= _MOST_CATEGORIES:
        what = f"has {len(values)} different value(s), a class column has 2 to {_MOST_CATEGORIES}"
        raise DataError(f"column {column!r}", what, "name another column")
    return values, np.array([values.index(text) for text in texts], dtype=np.int64)


def _complete(dataset: Dataset, column: str) -> tuple[str | float, ...]:
    values = dataset.column(column)
    missing = [name for name, value in zip(dataset.names, values, strict=True) if value is None]
    if missing:
        few = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        what = f"has no value for {few}"
        raise DataError(f"column {column!r}", what, "fill it in, or remove these subjects")
    return tuple(value for value in values if value is not None)


def _coded(dataset: Dataset, column: str, is_code: bool) -> np.ndarray:
    """(n, P) of one column."""
    values = _complete(dataset, column)
    if not is_code and all(isinstance(value, float | int) for value in values):
        return np.array(values, dtype=np.float64)[:, None]
    names, numbers = categories_of(dataset, column)
    for split in dataset.held_out_splits:
        elsewhere = set(numbers[~dataset.in_split(split)])
        alone = sorted(set(numbers) - elsewhere)
        if alone and (set(dataset.split) != {TRAIN}):
            what = f"has the value {names[alone[0]]!r} in {split} alone"
            raise DataError(f"column {column!r}", what, "merge it with another, or lower folds")
    return np.eye(len(names))[numbers]


def _text(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float | int) else value


class Residuals(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """[design | features] -> features, without the linear effect of the design.

    The effect is fitted where the estimator is, so within a fold to its training images alone. It
    is taken out as far as a subject's design differs from its mean over these: what stays has the
    features' own level.
    """

    def __init__(self, columns: int = 0):
        self.columns = columns

    def fit(self, X: np.ndarray, y: Any = None) -> "Residuals":
        """Least squares of the features on the design; the shortest one where several fit."""
        known = X[:, : self.columns]
        self.mean_ = known.mean(0)
        # In units of their spread, so that what is negligible does not depend on a column's unit.
        spread = known.std(0)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        features = X[:, self.columns :]
        centred = features - features.mean(0)
        self.effect_ = np.linalg.lstsq(self._standard(known), centred, rcond=None)[0]
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(n, P + r) -> (n, r)."""
        return np.asarray(X[:, self.columns :] - self.explained(X[:, : self.columns]))

    def explained(self, known: np.ndarray) -> np.ndarray:
        """(n, P) -> (n, r) what the design adds to the features."""
        return np.asarray(self._standard(known) @ self.effect_)

    def _standard(self, known: np.ndarray) -> np.ndarray:
        return np.asarray((known - self.mean_) / self.spread_)
