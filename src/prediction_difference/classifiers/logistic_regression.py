"""L2 logistic regression for images with many more voxels than there are subjects."""

from dataclasses import dataclass

import numpy as np

from prediction_difference.errors import DataError


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
        z = self.log_odds(images)
        return np.stack([-z / 2, z / 2], axis=-1)


def fit(
    images: np.ndarray, labels: np.ndarray, mask: np.ndarray | None, penalty: float
) -> LinearClassifier:
    """Minimise C * (sum of log losses) + |w|^2 / 2, with C = `penalty` and a free intercept.

    images: (n, C, *spatial); labels: (n,) 0 or 1. The optimum is a combination of the images, so
    it is found in their n-dimensional row space: the same result, whatever the number of voxels.

    Raises:
        DataError: not exactly two classes, or a class is missing from the images.
    """
    from sklearn.linear_model import LogisticRegression

    if set(np.unique(labels)) != {0, 1}:
        raise DataError(
            "logistic-regression",
            f"needs images of two classes, there are {len(np.unique(labels))}",
            "choose a dataset with two classes in every fold",
        )
    inside = np.ones(images.shape[2:], bool) if mask is None else mask
    voxels = images[:, :, inside].reshape(len(images), -1).astype(np.float64)
    basis, coordinates = np.linalg.qr(voxels.T)
    regression = LogisticRegression(C=penalty, tol=1e-8, max_iter=10_000)
    regression.fit(coordinates.T, labels)
    weight = np.zeros(images.shape[1:])
    weight[:, inside] = (basis @ regression.coef_[0]).reshape(images.shape[1], -1)
    return LinearClassifier(weight, float(regression.intercept_[0]))
