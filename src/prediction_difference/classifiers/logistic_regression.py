"""L2 logistic regression for images with many more voxels than there are subjects."""

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prediction_difference.classifiers.row_space import RowSpace, products_of, row_space
from prediction_difference.errors import DataError

NESTED = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""Strengths that `C: nested` chooses from."""
_INNER_FOLDS = 5


@dataclass(frozen=True)
class LinearClassifier:
    """Two classes separated by a plane.

    weight: (C, *spatial), zero outside the mask. intercept: (). The log odds of class 1 are
    z = weight . image + intercept; the class scores are (-z/2, z/2), whose softmax gives the
    probabilities of logistic regression.
    """

    weight: np.ndarray
    intercept: float

    def log_odds(self, images: np.ndarray) -> np.ndarray:
        """(..., C, *spatial) -> (...) natural log odds of class 1."""
        dimensions = self.weight.ndim
        flat = images.reshape(*images.shape[: images.ndim - dimensions], -1)
        return np.asarray(flat @ self.weight.ravel() + self.intercept)

    def scores(self, images: np.ndarray) -> np.ndarray:
        """(n, C, *spatial) -> (n, 2) class scores."""
        return scores_of(self.log_odds(images))

    def shifted(self, shift: float) -> "LinearClassifier":
        """The same plane, moved: what it is for a subject whose confounds add `shift`."""
        return dataclasses.replace(self, intercept=self.intercept + shift)


def scores_of(log_odds: np.ndarray) -> np.ndarray:
    """(n,) natural log odds of class 1 -> (n, 2) class scores."""
    return np.stack([-log_odds / 2, log_odds / 2], axis=-1)


@dataclass(frozen=True)
class Features:
    """What subjects are told apart by.

    voxels: (n, V) inside the mask. known: (n, P) confounds, whose effect is taken out within the
    fold. is_scaled: whether voxels are divided by their standard deviation over training images.
    """

    voxels: np.ndarray
    known: np.ndarray
    is_scaled: bool = False
    _products: dict[bytes, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    _spaces: dict[bytes, RowSpace] = field(default_factory=dict, repr=False, compare=False)

    def space(self, used: np.ndarray) -> RowSpace:
        """Row space of the used images, (n,) bool, which are also what scales are found on."""
        key = used.tobytes()
        if key not in self._spaces:
            scale = _spread(self.voxels[used]) if self.is_scaled else None
            # Without scales, which are a fold's own, inner products serve all folds.
            of_products = key if self.is_scaled else b""
            if of_products not in self._products:
                self._products[of_products] = products_of(self.voxels, scale)
            self._spaces[key] = row_space(self.voxels, used, self._products[of_products], scale)
        return self._spaces[key]

    def matrix(self, used: np.ndarray) -> np.ndarray:
        """(n, P + r) what the pipeline takes."""
        return np.concatenate([self.known, self.space(used).coordinates], axis=1)


@dataclass(frozen=True)
class Plane:
    """A fitted plane: weight (V,), intercept, and (n,) shifts, what confounds add for each image.

    C: the strength that it was fitted with.
    """

    weight: np.ndarray
    intercept: float
    shifts: np.ndarray
    C: float


def features_of(
    images: np.ndarray,
    mask: np.ndarray | None,
    known: np.ndarray | None = None,
    scaled: bool = False,
) -> Features:
    """(n, C, *spatial), mask (*spatial) and confounds (n, P) -> features."""
    inside = np.ones(images.shape[2:], bool) if mask is None else mask
    voxels = images[:, :, inside].reshape(len(images), -1)
    nothing = np.empty((len(images), 0))
    return Features(voxels, nothing if known is None else known, scaled)


def pipeline(C: float | Sequence[float], columns: int, seed: int = 0) -> Any:
    """scikit-learn's: confounds out, then L2 logistic regression; C by an inner cross-validation.

    It takes (n, P + r): P = `columns` confounds, and coordinates in the row space. Of several C,
    the one is taken with the least log loss over stratified inner folds of the training images,
    within which confounds are taken out anew; of equals the smallest.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline

    from prediction_difference.classifiers.confounds import Residuals

    choices = sorted(C) if isinstance(C, Sequence) else [C]
    # Newton's method: in so few dimensions it takes milliseconds, and ends at the optimum.
    regression = LogisticRegression(
        C=choices[0], solver="newton-cholesky", tol=1e-10, max_iter=1000
    )
    steps = Pipeline([("residuals", Residuals(columns)), ("regression", regression)])
    if len(choices) == 1:
        return steps
    inner = StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=seed % 2**32)
    return GridSearchCV(
        steps, {"regression__C": choices}, scoring="neg_log_loss", cv=inner, error_score="raise"
    )


def fitted(model: Any, matrix: np.ndarray, labels: np.ndarray) -> Any:
    """The pipeline after fitting; the one with the best C, where C was chosen."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Classes that a weak penalty lets part have log losses next to 0; the plane is the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = model.fit(matrix, labels)
    return getattr(found, "best_estimator_", found)


def fit_plane(
    features: Features,
    labels: np.ndarray,
    used: np.ndarray,
    C: float | Sequence[float],
    seed: int = 0,
) -> Plane:
    """Minimise C * (sum of log losses) + |w|^2 / 2 over the used images, with a free intercept.

    labels: (n,) 0 or 1. used: (n,) bool.

    Notes: with confounds c, voxels x and their effect B, both of the training images, the log odds
    of a subject are w . (x - B (c - mean c)) + b: a function of its image, given its confounds,
    whose intercept alone is the subject's own.
    """
    space = features.space(used)
    matrix, width = features.matrix(used), features.known.shape[1]
    best = fitted(pipeline(C, width, seed), matrix[used], labels[used])
    residuals, regression = best["residuals"], best["regression"]
    coefficients = regression.coef_[0]
    weight, intercept = space.plane(coefficients, float(regression.intercept_[0]))
    shifts = -residuals.explained(features.known) @ coefficients
    return Plane(weight, intercept, shifts, float(regression.C))


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    mask: np.ndarray | None,
    penalty: float | Sequence[float],
) -> LinearClassifier:
    """Minimise C * (sum of log losses) + |w|^2 / 2, with C = `penalty` and a free intercept.

    images: (n, C, *spatial); labels: (n,) 0 or 1. The optimum is a combination of the images, so
    it is found in their n-dimensional row space: the same result, whatever the number of voxels.
    Of several penalties, one is chosen; see `pipeline`.

    Raises:
        DataError: not exactly two classes, or a class is missing from the images.
    """
    refuse_other_than_two(labels)
    plane = fit_plane(features_of(images, mask), labels, np.ones(len(images), bool), penalty)
    return LinearClassifier(on_grid(plane.weight, images.shape[1:], mask), plane.intercept)


def refuse_other_than_two(labels: np.ndarray) -> None:
    """Refuse labels that do not hold two classes, 0 and 1."""
    if set(np.unique(labels)) != {0, 1}:
        raise DataError(
            "a linear classifier",
            f"needs images of two classes, there are {len(np.unique(labels))}",
            "choose a dataset with two classes in every fold",
        )


def on_grid(weight: np.ndarray, shape: tuple[int, ...], mask: np.ndarray | None) -> np.ndarray:
    """(V,) weights inside the mask -> (C, *spatial), zero outside it."""
    grid = np.zeros(shape)
    inside = np.ones(shape[1:], bool) if mask is None else mask
    grid[:, inside] = weight.reshape(shape[0], -1)
    return grid


def _spread(voxels: np.ndarray) -> np.ndarray:
    """(n, V) -> (V,) standard deviation; 1 where voxels are alike, as scikit-learn has it."""
    spread = voxels.std(0, dtype=np.float64)
    spread[spread < 10 * np.finfo(np.float32).eps * np.abs(voxels).max(0)] = 1.0
    return np.asarray(spread)
