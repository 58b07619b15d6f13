"""What a configuration asks for in numbers, before anything is computed: forwards, jobs, disk."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from prediction_difference.attribution.heatmaps import forwards
from prediction_difference.attribution.image_choice import batches, slots
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.node_choices import AnyNode, ClassNodes, node_names
from prediction_difference.data.source import Source
from prediction_difference.errors import DataError
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.evaluation.measures.cohort_accuracy import CohortAccuracy
from prediction_difference.evaluation.measures.image_specificity import ImageSpecificity
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.evaluation.measures.strong_features import StrongFeatures
from prediction_difference.lookup import Shapes
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.run import Config

Sort = Literal["windows", "passes", "perturbation", "none"]
"""How a network is run: on draws of windows, on whole images, or on images perturbed in steps."""
_FLOAT = 4


@dataclass(frozen=True)
class Work:
    """An explanation or an evaluation.

    kind: its method or measure. forwards, bytes: of one image, None where only the data tell, for
    which `unknown` says why. jobs: with the one that publishes. share: of an image's work that one
    job does. is_lower_bound: more draws may be needed.
    """

    section: Literal["explanations", "evaluations"]
    name: str
    kind: str
    classifier: str | None
    sort: Sort
    images: int
    jobs: int
    forwards: int | None
    bytes: int | None
    images_per_job: int | None = None
    share: float = 1.0
    precision: Literal["float32", "bfloat16"] = "float32"
    is_lower_bound: bool = False
    unknown: str = ""

    @property
    def total_forwards(self) -> int | None:
        """Images that the classifier is run on, for all images together."""
        return None if self.forwards is None else self.forwards * self.images


def count(config: Config, shapes: Shapes = {}) -> list[Work]:
    """The work of every explanation and of every evaluation that runs a classifier or simulates.

    shapes: of datasets whose files were looked at.
    """
    explained = [_of_explanation(config, name, shapes) for name in config.explanations]
    measured = [_of_evaluation(config, name, shapes) for name in config.evaluations]
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


def _of_evaluation(config: Config, name: str, shapes: Shapes) -> Work | None:
    evaluation = config.evaluations[name]
    match evaluation:
        case RegionPerturbation():
            return _of_perturbation(config, name, evaluation)
        case LocationStudy(cohorts=cohorts):
            return _of_simulation(name, evaluation.measure, cohorts + 1)
        case CohortAccuracy():
            return _of_simulation(name, evaluation.measure, 1)
        case ImageSpecificity(degrees=degrees):
            angles = len(degrees) + 1
            each = sum(_of_turned(config, e, angles, shapes) for e in evaluation.explanations)
        case StrongFeatures(thresholds=thresholds):
            each = len(evaluation.explanations) * (2 * len(thresholds) + 1)
        case _:
            return None
    first = config.explanations[evaluation.explanations[0]]
    images = len(slots(first))
    return Work(
        "evaluations", name, evaluation.measure, first.classifier, "passes", images, 1, each, 0
    )


def _of_simulation(name: str, measure: str, jobs: int) -> Work:
    """Of simulated cohorts and classifiers that are no networks."""
    unknown = "nothing tells what a simulated cohort takes"
    return Work("evaluations", name, measure, None, "none", 0, jobs, None, None, unknown=unknown)


def _of_turned(config: Config, name: str, angles: int, shapes: Shapes) -> int:
    """Forward passes of the maps of an image at some angles, and of the scores there."""
    explanation = config.explanations[name]
    dataset = config.classifiers[explanation.classifier].dataset
    options = explanation.model_dump(exclude={*Method.model_fields, "method"})
    spatial = config.datasets[dataset].known_shape or shapes.get(dataset)
    if spatial is None and explanation.method == "occlusion":
        return angles
    return angles * (1 + forwards(explanation.method, spatial or (), **options))


def _of_perturbation(config: Config, name: str, evaluation: RegionPerturbation) -> Work:
    methods = len(evaluation.explanations)
    first = config.explanations[evaluation.explanations[0]]
    curve = evaluation.repeats * evaluation.steps + 1
    # Score and probability, after every step of every curve.
    size = 2 * _FLOAT * methods * evaluation.repeats * (evaluation.steps + 1)
    return Work(
        "evaluations",
        name,
        evaluation.measure,
        first.classifier,
        "perturbation",
        len(slots(first)),
        len(config.evaluations[name].shards(config.explanations)) + 1,
        methods * curve,
        size,
        evaluation.images_per_job,
        precision=evaluation.precision,
    )
