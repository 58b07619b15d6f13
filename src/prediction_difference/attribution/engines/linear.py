"""Logistic regression: exact expectations without a forward pass per window."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prediction_difference.attribution.engines.protocol import Expectation, mean_and_variance
from prediction_difference.attribution.nodes import Node, check_nodes, node_values
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError
from prediction_difference.priors.samplers import ConditionalSampler, Sampler
from prediction_difference.priors.windows import cut

_HERMITE_POINTS = 64


class LinearEngine:
    """Logistic regression without forward passes: only the log odds' change inside a window.

    With the conditional sampler the log odds are normal, and probabilities are a one-dimensional
    Gauss-Hermite integral, so values are exact; with any other sampler they are averaged over its
    draws.
    """

    def __init__(self, linear: LinearClassifier):
        self._linear = linear

    def prepare(self, image: np.ndarray) -> "LinearImage":
        """(C, *spatial) -> the image as the base of expectations; see `Engine`.

        Raises:
            DataError: the image has another shape than the weights.
        """
        if image.shape != self._linear.weight.shape:
            raise DataError(
                f"image of shape {image.shape}",
                f"the classifier takes {self._linear.weight.shape}",
                "give it an image of that shape",
            )
        return LinearImage(self._linear, image.astype(np.float64))


@dataclass(frozen=True)
class LinearImage:
    """An image (C, *spatial) and the linear classifier that is explained on it."""

    linear: LinearClassifier
    image: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """(2,) class scores."""
        return self.linear.scores(self.image[None])[0]

    def values(self, nodes: Sequence[Node]) -> np.ndarray:
        """(nodes,) of the image as it is."""
        check_nodes(nodes, 2, {})
        return node_values(nodes, self.scores)

    def expectation(
        self,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """See `Prepared`; exact (variance NaN) for a conditional sampler that does not clip."""
        z = float(self.linear.log_odds(self.image))
        weights = cut(self.linear.weight, corners, sampler.window).reshape(len(corners), -1)
        contents = cut(self.image, corners, sampler.window).reshape(len(corners), -1)
        rest = z - (weights * contents).sum(1)
        if isinstance(sampler, ConditionalSampler) and sampler.clip is None:
            mean = self._integral(corners, sampler, weights, rest, nodes)
            return Expectation(mean, np.full_like(mean, np.nan), 0)
        draws = sampler.sample(self.image, corners, samples, seed)
        flat = draws.reshape(len(corners), samples, -1)
        log_odds = rest[:, None] + np.einsum("nsf,nf->ns", flat, weights)
        return Expectation(*mean_and_variance(_of_log_odds(log_odds, nodes)), forwards=0)

    def _integral(
        self,
        corners: np.ndarray,
        sampler: ConditionalSampler,
        weights: np.ndarray,
        rest: np.ndarray,
        nodes: Sequence[Node],
    ) -> np.ndarray:
        """(nodes, windows): E over z ~ N(rest + w . mean, |factor' w|^2)."""
        mean, deviation = np.empty(len(corners)), np.empty(len(corners))
        for members, center, factor in sampler.moments(self.image, corners):
            w = weights[members]
            mean[members] = rest[members] + (w * center).sum(1)
            deviation[members] = np.linalg.norm(w @ factor, axis=1)
        points, masses = np.polynomial.hermite_e.hermegauss(_HERMITE_POINTS)
        log_odds = mean[:, None] + deviation[:, None] * points
        values = _of_log_odds(log_odds, nodes)
        return np.einsum("wpn,p->nw", values, masses / math.sqrt(2 * math.pi))


def _of_log_odds(z: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
    """(...) natural log odds of class 1 -> (..., nodes)."""
    return node_values(nodes, np.stack([-z / 2, z / 2], axis=-1))
