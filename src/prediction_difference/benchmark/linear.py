"""Logistic regression: seconds for the exact map of a subject."""

import math
from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference
from prediction_difference.benchmark.inputs import coloured_noise
from prediction_difference.benchmark.settings import Linear
from prediction_difference.benchmark.timing import summary, timed
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.priors import ConditionalSampler, GaussianPatchPrior

_OTHERS = 4
_DEVIATION = 2.0
"""Of the log odds, in natural units."""


def measure_linear(settings: Linear, seed: int) -> dict[str, Any]:
    """Seconds from a volume to its map, every window exact, JSON-like.

    The prior is fitted and its conditionals are there: they serve all subjects.
    """
    volumes = np.stack([coloured_noise(seed + n, settings.shape, 1) for n in range(_OTHERS + 1)])
    prior = GaussianPatchPrior.fit(
        volumes[1:], patch=settings.patch, patches=settings.patches, seed=seed
    )
    analysis = PredictionDifference(
        _classifier(volumes, seed),
        ConditionalSampler(prior, settings.window),
        window=settings.window,
        engine="linear",
        seed=seed,
    )
    nodes = [Node.probability(1)]
    target = analysis.target(volumes[0], nodes)
    analysis.row(target, 0)
    times = [
        timed(lambda: analysis.attribute(volumes[0], nodes), "cpu") for _ in range(settings.repeats)
    ]
    return {
        "shape": list(settings.shape),
        "windows": math.prod(analysis.grid(volumes[0]).shape),
        "seconds_per_map": summary(times),
        "target": settings.seconds_per_map,
    }


def _classifier(volumes: np.ndarray, seed: int) -> LinearClassifier:
    """A plane through the mean volume, under which log odds of the volumes differ."""
    generator = randomness.generator(randomness.key(seed, "logistic regression"))
    weight = generator.standard_normal(volumes.shape[1:])
    unscaled = LinearClassifier(weight, 0.0).log_odds(volumes.astype(np.float64))
    weight = weight * (_DEVIATION / unscaled.std())
    log_odds = LinearClassifier(weight, 0.0).log_odds(volumes.astype(np.float64))
    return LinearClassifier(weight, float(-log_odds.mean()))
