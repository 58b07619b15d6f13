"""Logistic regression: seconds and memory for the exact map of a subject."""

import math
from typing import Any

import numpy as np

from benchmarks.processes import in_a_process, peak_mib
from benchmarks.rounds import summary, timed
from benchmarks.settings import BenchmarkSettings, Device, Linear
from benchmarks.subject import coloured_noise
from prediction_difference import randomness
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.priors.conditional import ConditionalSampler
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.windows import cut

_OTHERS = 4
_DEVIATION = 2.0
"""Of the log odds, in natural units."""


def measure_linear(settings: BenchmarkSettings, device: Device) -> dict[str, Any]:
    """Seconds and memory of every kind of volume by its name, JSON-like; see `measure_volume`."""
    import pandas as pd

    found = {}
    for name, kind in settings.linear.items():
        seconds, facts = in_a_process(measure_volume, kind, settings.seed)
        found[name] = {**facts, "seconds_per_map": summary(pd.Series(seconds))}
    return found


def measure_volume(settings: Linear, seed: int) -> tuple[list[float], dict[str, Any]]:
    """Seconds from a volume to its map, every window exact; the process's peak memory and so on.

    The prior is fitted and its conditionals are there: they serve all subjects of a fold.
    """
    volumes = np.stack([coloured_noise(seed + n, settings.shape, 1) for n in range(_OTHERS + 1)])
    mask = _brain(settings.shape) if settings.brain else None
    prior = GaussianPatchPrior.fit(
        volumes[1:], patch=settings.patch, patches=settings.patches, mask=mask, seed=seed
    )
    linear, window = _classifier(volumes, mask, seed), settings.window
    sampler = ConditionalSampler(prior, window)
    analysis = PredictionDifference(linear, sampler, window=window, engine="linear", seed=seed)
    nodes = [Node.probability(1)]
    grid = analysis.grid(volumes[0])
    analysis.row(analysis.target(volumes[0], nodes), grid.shape[0] // 2)
    seconds = [
        timed(lambda: analysis.attribute_quietly(volumes[0], nodes), "cpu")[0]
        for _ in range(settings.repeats)
    ]
    rows = (cut(linear.weight, grid.row(n), window) for n in range(grid.shape[0]))
    return seconds, {
        "shape": settings.shape,
        "window": window,
        "patch": settings.patch,
        "windows": math.prod(grid.shape),
        # Of windows without any weight no expectation is asked.
        "weighty_windows": sum(int(row.reshape(len(row), -1).any(1).sum()) for row in rows),
        "peak_mib": peak_mib(),
    }


def _brain(shape: tuple[int, ...]) -> np.ndarray:
    """(*spatial) bool: the mask of the standard brain, or a ball where the grid is another."""
    from prediction_difference.data.anatomy import load_anatomy

    standard = load_anatomy().mask
    if standard.shape == tuple(shape):
        return standard
    away = [np.linspace(-1, 1, side) ** 2 for side in shape]
    return np.asarray(sum(np.meshgrid(*away, indexing="ij")) < 1)


def _classifier(volumes: np.ndarray, mask: np.ndarray | None, seed: int) -> LinearClassifier:
    """A plane through the mean volume, under which log odds of the volumes differ."""
    generator = randomness.generator(randomness.key(seed, "logistic regression"))
    weight = generator.standard_normal(volumes.shape[1:])
    weight = weight if mask is None else weight * mask
    log_odds = LinearClassifier(weight, 0.0).log_odds(volumes.astype(np.float64))
    scale = _DEVIATION / log_odds.std()
    return LinearClassifier(scale * weight, float(-scale * log_odds.mean()))
