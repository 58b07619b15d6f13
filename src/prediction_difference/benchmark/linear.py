"""Logistic regression: seconds and memory for the exact map of a subject."""

import math
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference
from prediction_difference.benchmark import machine
from prediction_difference.benchmark.inputs import coloured_noise
from prediction_difference.benchmark.settings import Linear
from prediction_difference.benchmark.timing import summary, timed
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.figures.drawing import rounded
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import ConditionalSampler
from prediction_difference.priors.windows import WindowGrid, cut

_OTHERS = 4
_DEVIATION = 2.0
"""Of the log odds, in natural units."""


def measure_linear(volumes: Mapping[str, Linear], seed: int) -> dict[str, Any]:
    """Seconds and memory of every kind of volume by its name, JSON-like; see `measure_volume`."""
    context = multiprocessing.get_context("spawn")
    found = {}
    for name, settings in volumes.items():
        # In a process of its own, so that the peak of its memory is not that of another one.
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            found[name] = pool.submit(measure_volume, settings, seed).result()
    return found


def measure_volume(settings: Linear, seed: int) -> dict[str, Any]:
    """Seconds from a volume to its map, every window exact, and the process's peak memory.

    The prior is fitted and its conditionals are there: they serve all subjects of a fold.
    """
    volumes = np.stack([coloured_noise(seed + n, settings.shape, 1) for n in range(_OTHERS + 1)])
    mask = _brain(settings.shape) if settings.brain else None
    prior = GaussianPatchPrior.fit(
        volumes[1:], patch=settings.patch, patches=settings.patches, mask=mask, seed=seed
    )
    linear = _classifier(volumes, mask, seed)
    analysis = PredictionDifference(
        linear,
        ConditionalSampler(prior, settings.window),
        window=settings.window,
        engine="linear",
        seed=seed,
    )
    nodes = [Node.probability(1)]
    target = analysis.target(volumes[0], nodes)
    grid = analysis.grid(volumes[0])
    analysis.row(target, len(grid.axes[0]) // 2)
    times = [
        timed(lambda: analysis.attribute_quietly(volumes[0], nodes), "cpu")
        for _ in range(settings.repeats)
    ]
    return {
        "shape": list(settings.shape),
        "window": settings.window,
        "patch": settings.patch,
        "windows": math.prod(grid.shape),
        "weighty_windows": _weighty(linear, grid),
        "seconds_per_map": summary(times),
        "peak_mib": rounded(machine.peak_memory()),
        "target": settings.seconds_per_map,
        "memory_target": settings.memory_target,
    }


def _weighty(linear: LinearClassifier, grid: WindowGrid) -> int:
    """Windows with any weight in them: of the others no expectation is asked."""
    rows = (cut(linear.weight, grid.row(n), grid.window) for n in range(grid.shape[0]))
    return sum(int(row.any(axis=tuple(range(1, row.ndim))).sum()) for row in rows)


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
    unscaled = LinearClassifier(weight, 0.0).log_odds(volumes.astype(np.float64))
    weight = weight * (_DEVIATION / unscaled.std())
    log_odds = LinearClassifier(weight, 0.0).log_odds(volumes.astype(np.float64))
    return LinearClassifier(weight, float(-log_odds.mean()))
