"""What a linear classifier's plane and the training images say without any window removed.

Functions of a method's word (for messages), a classifier, images (N, C, *spatial) and a node for
each -> (N, *spatial), summed over channels, as those of `heatmaps`. Maps of the first class are
those of the second with the sign turned.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prediction_difference.attribution.nodes import Node, check_nodes
from prediction_difference.choices import Favours
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError
from prediction_difference.images import check_numbers


def weights(method: str, classifier: Any, images: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
    """Weights of the class's log odds, in natural units: the same map for every image."""
    plane = _explained(classifier, method, images, nodes).weight.sum(0)
    return _signs(nodes, plane.ndim) * plane


def pattern(
    method: str,
    classifier: Any,
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    training: np.ndarray | None = None,
) -> np.ndarray:
    """The activation pattern that belongs to the weights: the same map for every image.

    Covariance of the voxels times the weights, by the variance of the log odds [haufe2014, eq. 6]:
    how much each voxel rises, in the images' unit, with one unit of log odds. training: (n, C,
    *spatial) images that the classifier was fitted to, and no others.
    """
    linear = _explained(classifier, method, images, nodes)
    seen = _training(training, method, linear.weight.shape)
    log_odds = linear.log_odds(seen.astype(np.float64))
    centred = log_odds - log_odds.mean()
    # Sums image by image: the covariance of all voxels would not fit in memory.
    total = np.zeros(linear.weight.shape)
    for image, value in zip(seen, centred, strict=True):
        total += value * image
    variance = float((centred**2).sum())
    found = np.where(linear.weight.any(0), total.sum(0) / variance if variance else 0.0, 0.0)
    return _signs(nodes, found.ndim) * found


def deviation(
    method: str,
    classifier: Any,
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    training: np.ndarray | None = None,
    favours: Favours = "lower",
    weighted: bool = False,
) -> np.ndarray:
    """How far each voxel is from its mean over the training images, on the class's side.

    favours: which values speak for the second class, lower ones (as of FA for patients) or higher
    ones; nothing of the classifier is used but where its weights are zero. weighted: times the
    weights instead, so that the map sums to the change of the log odds. training: as of `pattern`.
    """
    linear = _explained(classifier, method, images, nodes)
    away = images - _training(training, method, linear.weight.shape).mean(0, dtype=np.float64)
    if weighted:
        factor = linear.weight
    else:
        factor = (linear.weight != 0) * (-1.0 if favours == "lower" else 1.0)
    found = (away * factor).sum(1)
    return _signs(nodes, found.ndim - 1) * found


def _explained(
    classifier: Any, method: str, images: np.ndarray, nodes: Sequence[Node]
) -> LinearClassifier:
    """The plane of a classifier that takes these images and has these classes.

    Raises:
        DataError: it has no plane, or does not take the images, or a class is none of its two.
    """
    linear = plane_of(classifier, method)
    if images.shape[1:] != linear.weight.shape:
        raise DataError(
            f"image of shape {images.shape[1:]}",
            f"the classifier takes {linear.weight.shape}",
            "give it an image of that shape",
        )
    check_nodes(nodes, 2, {})
    return linear


def plane_of(classifier: Any, method: str) -> LinearClassifier:
    """The plane of a linear classifier, or of the torch module that stands for one.

    Raises:
        DataError: the classifier has none.
    """
    if isinstance(classifier, LinearClassifier):
        return classifier
    # Compared by name, since torch takes seconds to import.
    if type(classifier).__name__ == "LinearModule":
        weight = classifier.weight.double().numpy()
        return LinearClassifier(weight, float(classifier.intercept))
    raise DataError(
        f"method {method!r}",
        f"is for linear classifiers, this one is a {type(classifier).__name__}",
        "explain a logistic regression",
    )


def _training(images: np.ndarray | None, method: str, shape: tuple[int, ...]) -> np.ndarray:
    if images is None or len(images) < 2 or images.shape[1:] != shape:
        what = "no training images" if images is None else f"training of shape {images.shape}"
        raise DataError(
            f"method {method!r}",
            f"is given {what}",
            f"give the images that the classifier was fitted to, two or more of shape {shape}",
        )
    for image in images:
        check_numbers(image, "training")
    return images


def _signs(nodes: Sequence[Node], dimensions: int) -> np.ndarray:
    """(N, 1, ...) 1 for nodes of the second class, -1 for those of the first."""
    signs = np.array([1.0 if node.index == 1 else -1.0 for node in nodes])
    return signs.reshape(-1, *(1,) * dimensions)
