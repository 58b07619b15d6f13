"""The work of prediction difference analysis for an image: a row of windows is a part."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.bench import Bench, Explained
from prediction_difference.attribution.description import describe, describe_nodes
from prediction_difference.attribution.engines.layers import layer_activations, layer_shapes
from prediction_difference.attribution.method import Given
from prediction_difference.attribution.methods.prediction_difference import (
    PredictionDifference as Settings,
)
from prediction_difference.attribution.methods.prediction_difference import RemovedLayer
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference, Target
from prediction_difference.attribution.selection import counted_layers
from prediction_difference.attribution.task import Task
from prediction_difference.priors.draws import Sampler
from prediction_difference.priors.sampling import LayerMaterial, Material, Sampling
from prediction_difference.priors.store import read_prior, reference_images

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.logistic_regression import LinearClassifier


def task(explanation: Settings, bench: Bench, one: Explained) -> Task:
    """The rows of windows of one image."""
    image = bench.confounded(one)
    analysis = bench.once(
        lambda: _analysis(explanation, bench, one.split, image), "analysis", one.split, image
    )
    prepared = analysis.prepare(one.image)
    layers = counted_layers(explanation)
    module = bench.module(one.split) if layers else None
    shapes_of_layers = layer_shapes(module, layers, one.image, bench.device) if module else {}
    nodes, names = bench.nodes(prepared.scores, one.label, shapes_of_layers)
    started = time.perf_counter()
    target = analysis.target(one.image, nodes, prepared)
    seconds = time.perf_counter() - started
    grid = analysis.grid(target.features)
    row_shape = grid.shape[1:] if len(grid.shape) > 1 else grid.shape
    counts = {"window_score": len(nodes), "window_standard_error": len(nodes)}
    if explanation.standard_error is not None:
        counts["window_samples"] = 1

    def compute(row: int) -> tuple[dict[str, np.ndarray], int]:
        done = analysis.row(target, row)
        arrays = {
            "window_score": done.score,
            "window_standard_error": done.standard_error,
            "window_samples": done.samples,
        }
        shaped = {name: arrays[name].reshape(n, *row_shape) for name, n in counts.items()}
        return shaped, done.forwards

    rows = analysis.rows(grid)
    shapes = {name: (count, rows, *row_shape) for name, count in counts.items()}
    attributes = describe(bench, one)
    attributes |= describe_nodes(bench, nodes, names, target.values, target.scores)
    attributes |= _describe_engine(explanation, target)
    return Task(one.image, attributes, shapes, compute, seconds)


def maps(
    explanation: Settings,
    classifier: "nn.Module | LinearClassifier",
    images: np.ndarray,
    nodes: Sequence[Node],
    given: Given,
) -> np.ndarray:
    """(N, *spatial) relevance of images that are at hand, by what is given for their windows."""
    assert given.training is not None
    clip = given.value_range if explanation.clip else None
    material = Material(explanation.window, given.prior, given.training, clip, given.seed)
    sampler = explanation.sampling.made_of(material)
    instances = len(given.training)
    analysis = _analysis_by(explanation, classifier, sampler, instances, given.seed, given.device)
    pairs = zip(images, nodes, strict=True)
    return np.stack([analysis.attribute_quietly(one, [node]).relevance[0] for one, node in pairs])


def _analysis(
    explanation: Settings, bench: Bench, split: str, image: int | None
) -> PredictionDifference:
    """The analysis for images of a split; its sampler never saw them, nor what is fitted here.

    image: the one that it is for, if the classifier depends on its confounds.
    """
    return _analysis_by(
        explanation,
        bench.plane(split, image) if bench.card.is_linear else bench.module(split),
        bench.once(lambda: _sampler(explanation, bench, split), "sampler", split),
        bench.card.training_instances[bench.card.weights_for(split)],
        bench.config.run.seed,
        bench.device,
    )


def _analysis_by(
    explanation: Settings,
    classifier: "nn.Module | LinearClassifier",
    sampler: Sampler,
    training_instances: int,
    seed: int,
    device: str,
) -> PredictionDifference:
    removed = explanation.removed
    return PredictionDifference(
        classifier,
        sampler,
        explanation.window,
        explanation.stride,
        explanation.samples,
        explanation.engine,
        training_instances,
        seed,
        standard_error=explanation.standard_error,
        max_samples=explanation.max_samples,
        device=device,
        batch_size=explanation.batch_size,
        precision=explanation.precision,
        layer=None if removed is None else removed.layer,
        units=removed is not None and removed.features == "units",
    )


def _sampler(explanation: Settings, bench: Bench, split: str) -> Sampler:
    """Draws for images of a split, from what was fitted or chosen without them.

    Raises:
        DataError: a sampler of the user's own fails.
    """
    sampling, removed = explanation.sampling, explanation.removed
    if removed is None:
        return sampling.made_of(_material(explanation, sampling, bench, split))
    return sampling.made_of(_layer_material(explanation, removed, bench, split))


def _material(explanation: Settings, sampling: Sampling, bench: Bench, split: str) -> Material:
    dataset, prior = bench.dataset, None
    if sampling.needs_prior:
        assert bench.inputs.prior is not None
        name, window = bench.card.dataset, explanation.window
        prior = read_prior(bench.inputs.prior, dataset, name, split, window)
    takes = sampling.takes_reference
    images = reference_images(bench.reference or dataset, dataset, split) if takes else None
    clip = dataset.value_range if explanation.clip else None
    return Material(explanation.window, prior, images, clip, bench.config.run.seed)


def _layer_material(
    explanation: Settings, removed: RemovedLayer, bench: Bench, split: str
) -> LayerMaterial:
    """Activations of the layer for images of other splits, at most as many as are asked for."""
    images = reference_images(bench.reference or bench.dataset, bench.dataset, split)
    seed = randomness.key(bench.config.run.seed, "removed layer", removed.layer)
    order = randomness.generator(seed).permutation(len(images))
    chosen = images[np.sort(order[: removed.images])]
    activations = layer_activations(bench.module(split), removed.layer, chosen, device=bench.device)
    return LayerMaterial(
        explanation.window,
        activations,
        removed.neighbourhood(explanation.window),
        removed.maps,
        removed.features == "units" or activations.ndim == 2,
        seed,
    )


def _describe_engine(explanation: Settings, target: Target) -> dict[str, Any]:
    """What was removed, on which grid, and in which precision classifiers were run."""
    removed, error = explanation.removed, target.error
    facts: dict[str, Any] = {
        "removed": None,
        "precision": target.precision,
        "precision_error": None,
    }
    if removed is not None:
        # A vector has no windows but its single units.
        is_single = removed.features == "units" or target.features.ndim == 2
        facts["removed"] = {
            "layer": removed.layer,
            "features": "units" if is_single else "windows",
            "shape": list(target.features.shape),
        }
    if error is not None:
        facts["precision_error"] = {
            "rounding": error.rounding.tolist(),
            "sampling": error.sampling.tolist(),
        }
    return facts
