"""What an engine is: a way to find the expected value of nodes when windows are unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prediction_difference.attribution.nodes import Node
from prediction_difference.priors.draws import Sampler


@dataclass(frozen=True)
class Expectation:
    """What an engine finds for a set of windows.

    mean: (nodes, windows). variance: (nodes, windows) of the mean as an estimate, NaN where it is
    exact. forwards: how many images the classifier was run on.
    """

    mean: np.ndarray
    variance: np.ndarray
    forwards: int

    def joined(
        self, more: "Expectation", windows: np.ndarray, drawn: np.ndarray, samples: int
    ) -> "Expectation":
        """With the further draws for some windows, merged as in Chan et al. 1983.

        windows: (m,) which ones `more` is about. drawn: (windows,) samples of each so far.
        samples: those of `more`.
        """
        n, total = drawn[windows], drawn[windows] + samples
        mean, variance = self.mean.copy(), self.variance.copy()
        shift = more.mean - mean[:, windows]
        scatter = variance[:, windows] * n * (n - 1) + more.variance * samples * (samples - 1)
        scatter += shift**2 * n * samples / total
        mean[:, windows] += shift * samples / total
        variance[:, windows] = scatter / (total * (total - 1))
        return Expectation(mean, variance, self.forwards + more.forwards)


class Prepared(Protocol):
    """An image that an engine has run once: what its windows are compared with."""

    @property
    def scores(self) -> np.ndarray:
        """(K,) class scores of the image as it is."""

    def values(self, nodes: Sequence[Node]) -> np.ndarray:
        """(nodes,) values of the image as it is.

        Raises:
            DataError: the classifier has no such node.
        """

    def expectation(
        self,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """Expected values of nodes with each of the windows at (n, d) `corners` unknown."""


class Engine(Protocol):
    """Evaluates a classifier on images with windows unknown."""

    def prepare(self, image: np.ndarray) -> Prepared:
        """(C, *spatial) -> the image, run once and ready for its windows.

        Raises:
            DataError: the classifier cannot take the image, or returns no finite (N, K) scores.
        """


def mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(windows, samples, nodes) draws -> (nodes, windows) mean, and variance of that mean.

    The variance is NaN where there is a single draw.
    """
    samples, mean = values.shape[1], values.mean(1).T
    if samples == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, values.var(1, ddof=1).T / samples
