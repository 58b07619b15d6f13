"""What a configuration asks for in numbers, before anything is computed: forwards, jobs, disk."""

import math
from typing import Any

from prediction_difference.attribution.heatmaps import forwards
from prediction_difference.attribution.image_choice import batches, slots
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.node_choices import AnyNode, ClassNodes, node_names
from prediction_difference.costs import BYTES_OF_FLOAT, Work
from prediction_difference.data.source import Source
from prediction_difference.errors import DataError
from prediction_difference.lookup import Shapes
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.run import Config

_FLOAT = BYTES_OF_FLOAT


def count(config: Config, shapes: Shapes = {}) -> list[Work]:
    """The work of every explanation and of every evaluation that runs a classifier or simulates.

    shapes: of datasets whose files were looked at.
    """
    explained = [_of_explanation(config, name, shapes) for name in config.explanations]
    measured = [one.work(name, config, shapes) for name, one in config.evaluations.items()]
    return [*explained, *(work for work in measured if work is not None)]


def _of_explanation(config: Config, name: str, shapes: Shapes) -> Work:
    explanation = config.explanations[name]
    jobs = len(batches(explanation)) * explanation.chunk_count + 1
    counted, size, unknown = _counted(config, explanation, shapes)
    draws = isinstance(explanation, PredictionDifference)
    return Work(
        "explanations",
        name,
        explanation.method,
        explanation.classifier,
        "windows" if draws else "passes" if counted != 0 else "none",
        len(slots(explanation)),
        jobs,
        counted,
        size,
        explanation.images_per_job,
        1 / explanation.chunk_count,
        getattr(explanation, "precision", "float32"),
        explanation.is_passed_back,
        getattr(explanation, "standard_error", None) is not None,
        unknown,
    )


def _counted(
    config: Config, explanation: Any, shapes: Shapes
) -> tuple[int | None, int | None, str]:
    """Forward passes and bytes of one image; or why they are not known."""
    classifier = config.classifiers[explanation.classifier]
    dataset = config.datasets[classifier.dataset]
    spatial = dataset.known_shape or shapes.get(classifier.dataset)
    if spatial is None:
        return None, None, f"only the files of {classifier.dataset!r} tell the size of its images"
    if getattr(explanation, "removed", None) is not None:
        return None, None, "only the network tells the size of the removed layer"
    nodes = _nodes(explanation, dataset)
    if nodes is None:
        return None, None, "only the network tells how many nodes are explained"
    pixels = math.prod(spatial)
    image = dataset.channel_count * pixels
    if not isinstance(explanation, PredictionDifference):
        options = explanation.model_dump(exclude={*Method.model_fields, "method"})
        each = forwards(explanation.method, spatial, **options)
        # The working store and the published one; standard errors are published, too.
        return each * nodes, _FLOAT * (2 * image + 3 * nodes * pixels), ""
    try:
        windows = math.prod(WindowGrid(spatial, explanation.window, explanation.stride).shape)
    except DataError as error:
        return None, None, error.problem.what
    is_linear = classifier.kind == "logistic-regression" and explanation.engine != "dense"
    size = _FLOAT * (2 * image + 2 * nodes * pixels + 4 * nodes * windows)
    return 0 if is_linear else windows * explanation.samples, size, ""


def _nodes(explanation: Method, dataset: Source) -> int | None:
    """How many nodes are explained; None where only the network tells."""
    known = explanation.node_count
    names = dataset.known_classes
    if known is not None or names is None:
        return known
    counts = [_count_of(node, len(names)) for node in explanation.nodes]
    return None if None in counts else sum(n for n in counts if n is not None)


def _count_of(node: AnyNode, classes: int) -> int | None:
    if isinstance(node, ClassNodes) and node.classes == "all":
        return classes
    known = node_names(node, "")
    return None if known is None else len(known)
