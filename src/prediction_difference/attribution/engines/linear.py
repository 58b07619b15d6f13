"""Logistic regression: exact expectations without a forward pass per window."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prediction_difference.attribution.engines.protocol import Expectation, mean_and_variance
from prediction_difference.attribution.nodes import Node, check_nodes, node_values
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError
from prediction_difference.priors.draws import NormalSampler, Sampler, draw
from prediction_difference.priors.windows import cut

_REACH = 8.0
_VALUES_AT_ONCE = 2**20


class LinearEngine:
    """Logistic regression without forward passes: only the log odds' change inside a window.

    With a normal sampler the log odds are normal, and probabilities are a one-dimensional
    integral, so values are exact; with any other sampler they are averaged over its draws.
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
        """See `Prepared`; exact (variance NaN) for a normal sampler.

        A window without weights, such as one outside of the brain, changes nothing: its
        expectation is the value itself, and nothing is drawn for it.
        """
        normal = sampler if isinstance(sampler, NormalSampler) and sampler.is_normal else None
        mean = np.repeat(_of_log_odds(self._log_odds, nodes)[:, None], len(corners), axis=1)
        variance = np.full_like(mean, 0.0 if normal is None else np.nan)
        weights = cut(self.linear.weight, corners, sampler.window).reshape(len(corners), -1)
        weighty = np.flatnonzero(weights.any(1))
        if len(weighty):
            some = corners[weighty], weights[weighty]
            if normal is None:
                drawn = self._drawn(*some, sampler, samples, seed, nodes)
                mean[:, weighty], variance[:, weighty] = drawn
            else:
                mean[:, weighty] = self._exact(*some, normal, nodes)
        return Expectation(mean, variance, forwards=0)

    @cached_property
    def _log_odds(self) -> np.ndarray:
        return self.linear.log_odds(self.image)

    def _rest(self, corners: np.ndarray, weights: np.ndarray, window: int) -> np.ndarray:
        """(n,) log odds without what the windows with these weights (n, C k^d) add."""
        contents = cut(self.image, corners, window).reshape(len(corners), -1)
        return np.asarray(self._log_odds - np.einsum("nf,nf->n", weights, contents))

    def _drawn(
        self,
        corners: np.ndarray,
        weights: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> tuple[np.ndarray, np.ndarray]:
        draws = self._draws(corners, sampler, samples, seed)
        rest = self._rest(corners, weights, sampler.window)
        log_odds = rest[:, None] + np.einsum("nsf,nf->ns", draws, weights)
        return mean_and_variance(_of_log_odds(log_odds, nodes))

    def _draws(self, corners: np.ndarray, sampler: Sampler, samples: int, seed: int) -> np.ndarray:
        """(windows, samples, C k^d) contents of the windows."""
        import torch

        image = torch.from_numpy(self.image.astype(np.float32))
        places = torch.from_numpy(np.ascontiguousarray(corners, dtype=np.int64))
        return draw(sampler, image, places, samples, seed).flatten(2).numpy()

    def _exact(
        self,
        corners: np.ndarray,
        weights: np.ndarray,
        sampler: NormalSampler,
        nodes: Sequence[Node],
    ) -> np.ndarray:
        """(nodes, windows): E over z ~ N(rest + w . mean, |factor' w|^2)."""
        mean, deviation = np.empty(len(corners)), np.empty(len(corners))
        rest = self._rest(corners, weights, sampler.window)
        for members, center, factor in sampler.moments(self.image, corners):
            w = weights[members]
            mean[members] = rest[members] + np.einsum("nf,nf->n", w, center)
            deviation[members] = np.linalg.norm(w @ factor, axis=1)
        probability = logistic_normal_mean(mean, deviation)
        outcomes = {
            "probability": np.stack([1 - probability, probability]),
            "score": np.stack([-mean / 2, mean / 2]),
        }
        return np.stack([outcomes[node.kind][node.index] for node in nodes])


def logistic_normal_mean(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """(n,), (n,) -> (n,) mean of 1 / (1 + exp(-z)) over z ~ N(mean, deviation^2), to 1e-13.

    Notes: the trapezoidal rule converges geometrically here, with a step below the distance of
    the logistic function's poles, pi / deviation, from the real line: half a standard deviation
    where the deviation is at most 1, and half as much for every doubling of it.
    """
    from scipy.special import expit

    level = np.ceil(np.log2(np.maximum(deviation, 1.0))).astype(int)
    result = np.empty_like(mean)
    for number in np.unique(level):
        step = 0.5 / 2.0 ** int(number)
        points = np.arange(-_REACH, _REACH + step / 2, step)
        masses = np.exp(-(points**2) / 2) * step / math.sqrt(2 * math.pi)
        members = np.flatnonzero(level == number)
        parts = max(1, len(members) * len(points) // _VALUES_AT_ONCE)
        for part in np.array_split(members, parts):
            z = mean[part, None] + deviation[part, None] * points
            result[part] = expit(z, out=z) @ masses
    return result


def _of_log_odds(z: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
    """(...) natural log odds of class 1 -> (..., nodes)."""
    return node_values(nodes, np.stack([-z / 2, z / 2], axis=-1))
