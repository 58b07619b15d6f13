"""Whether the named sections of a configuration fit each other."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.deviation import DeviationFromMean
from prediction_difference.attribution.methods.pattern import HaufePattern
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.methods.weights import LinearWeights
from prediction_difference.attribution.node_choices import (
    ClassNodes,
    NodeChoice,
)
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.data.source import Source
from prediction_difference.errors import Problem
from prediction_difference.lookup import (
    Lookup,
    Sections,
    Shapes,
    by,
)


def crosscheck(
    sections: Sections, declared: Mapping[str, set[str]], shapes: Shapes
) -> list[Problem]:
    """Problems between entries: unknown references, and sizes, classes or kinds that do not fit.

    shapes: of datasets whose files were looked at.
    """
    lookup = Lookup(sections, declared, shapes)
    checks: dict[str, Callable[[str, Any, Lookup], Iterator[Problem]]] = {
        "explanations": _check_explanation,
    }
    return [
        problem
        for section, entries in sections.items()
        if section != "run"
        for name, entry in entries.items()
        for found in (
            entry.problems(f"{section}.{name}", lookup),
            checks.get(section, _none)(f"{section}.{name}", entry, lookup),
        )
        for problem in found
    ]


def _none(where: str, entry: Any, lookup: Lookup) -> Iterator[Problem]:
    yield from ()


def _check_explanation(where: str, explanation: Method, lookup: Lookup) -> Iterator[Problem]:
    yield from lookup.missing(f"{where}.classifier", "classifiers", explanation.classifier)
    dataset = lookup.dataset_of(explanation.classifier)
    yield from _check_layers(where, explanation, lookup)
    yield from _check_plane(where, explanation, lookup)
    yield from _check_window(where, explanation, lookup.shape_of(dataset))
    if dataset is not None:
        yield from _check_nodes(where, explanation, dataset)
    if isinstance(explanation, PredictionDifference):
        yield from _check_prediction_difference(where, explanation, dataset, lookup)


def _check_window(
    where: str, explanation: Method, shape: tuple[int, ...] | None
) -> Iterator[Problem]:
    """Windows of pixels, by whatever method, must lie in the images."""
    k = getattr(explanation, "window", None)
    if k is not None and shape is not None and k > min(shape) and not explanation.removes_layer:
        yield Problem(
            f"{where}.window",
            f"window={k} does not fit inside images of {by(shape)}",
            f"set window to at most {min(shape)}",
        )


def _check_plane(where: str, explanation: Method, lookup: Lookup) -> Iterator[Problem]:
    """What needs the weights of a plane, or images that it was fitted to."""
    if not isinstance(explanation, LinearWeights | HaufePattern | DeviationFromMean):
        return
    classifier = lookup.entry("classifiers", explanation.classifier)
    if classifier is not None and not isinstance(classifier, LogisticRegression):
        what = f"{explanation.classifier!r} is {classifier.kind!r}, not a logistic regression"
        yield Problem(f"{where}.classifier", what, f"{explanation.method} is for these only")


def _check_layers(where: str, explanation: Method, lookup: Lookup) -> Iterator[Problem]:
    """Layers are looked into by prediction-difference alone, and a plane has none."""
    classifier = lookup.entry("classifiers", explanation.classifier)
    is_linear = isinstance(classifier, LogisticRegression)
    for index, node in enumerate(explanation.nodes):
        if isinstance(node, NodeChoice | ClassNodes):
            continue
        place = f"{where}.nodes.{index}.layer"
        if not isinstance(explanation, PredictionDifference):
            what = f"{explanation.method} explains classes, not layers"
            yield Problem(place, what, "name a class, or use method: prediction-difference")
        elif is_linear:
            yield Problem(place, "a logistic regression has no layers", "name a class")
    if isinstance(explanation, PredictionDifference) and is_linear:
        if explanation.removed is not None:
            what = "a logistic regression has no layers"
            yield Problem(f"{where}.removed", what, "remove the key")
        if explanation.precision != "float32" and explanation.engine in ("auto", "linear"):
            what = "a logistic regression is explained without a network to run"
            yield Problem(f"{where}.precision", what, "remove the key")


def _check_nodes(where: str, explanation: Method, dataset: Source) -> Iterator[Problem]:
    names = dataset.known_classes
    if names is None:
        return
    for index, node in enumerate(explanation.nodes):
        count = node.classes if isinstance(node, ClassNodes) else 0
        if isinstance(count, int) and count > len(names):
            what = f"there are {len(names)} classes, not {count}"
            yield Problem(f"{where}.nodes.{index}.classes", what, "set it to all")
        if not isinstance(node, NodeChoice):
            continue
        if node.rank is not None and node.rank > len(names):
            what = f"there is no rank {node.rank}, the dataset has {len(names)} classes"
            yield Problem(f"{where}.nodes.{index}.rank", what, f"set it to at most {len(names)}")
        is_named = isinstance(node.of, str) and node.of not in ("predicted", "label", *names)
        is_numbered = isinstance(node.of, int) and not 0 <= node.of < len(names)
        if is_named or is_numbered:
            yield Problem(
                f"{where}.nodes.{index}.of",
                f"there is no class {node.of!r}",
                f"classes are {', '.join(names)}; predicted and label are the other choices",
            )


def _check_prediction_difference(
    where: str,
    explanation: PredictionDifference,
    dataset: Source | None,
    lookup: Lookup,
) -> Iterator[Problem]:
    k = explanation.window
    yield from lookup.missing(f"{where}.prior", "priors", explanation.prior)
    yield from lookup.missing(f"{where}.reference", "datasets", explanation.reference)
    prior = lookup.entry("priors", explanation.prior)
    if prior is not None and k >= prior.patch:
        yield Problem(
            f"{where}.window",
            f"window={k} does not fit inside patch={prior.patch} of prior {explanation.prior!r}",
            f"set window to at most {prior.patch - 1}, or patch to at least {k + 1}",
        )
    if dataset is not None:
        yield from _check_source_of_draws(where, explanation, dataset, lookup)
    classifier = lookup.entry("classifiers", explanation.classifier)
    is_linear = isinstance(classifier, LogisticRegression)
    if explanation.engine == "linear" and classifier is not None and not is_linear:
        yield Problem(
            f"{where}.engine",
            f"linear is for logistic-regression, {explanation.classifier!r} is {classifier.kind!r}",
            "set engine to auto",
        )


def _check_source_of_draws(
    where: str, explanation: PredictionDifference, dataset: Source, lookup: Lookup
) -> Iterator[Problem]:
    """What is drawn must have the form of the explained images, and not be the explained ones."""
    prior = lookup.entry("priors", explanation.prior)
    has_prior = explanation.sampler == "conditional" and explanation.removed is None
    key = "prior" if has_prior else "reference"
    name = explanation.reference if prior is None else prior.dataset
    source = dataset if name is None and key == "reference" else lookup.entry("datasets", name)
    if source is None:
        return
    where = f"{where}.{key}"
    if source is dataset and not dataset.has_training_images:
        yield Problem(
            where,
            "all images of its dataset are held out, none are left to draw from",
            "set test_fraction or folds of the dataset, or use another dataset",
        )
    if source.is_volume != dataset.is_volume or source.channel_count != dataset.channel_count:
        yield Problem(
            where,
            f"it has {_form(source)}, the explained images are {_form(dataset)}",
            "choose a dataset of the same form",
        )
        return
    shape, other = lookup.shape_of(dataset), lookup.shape_of(source)
    is_other = source is not dataset
    if prior is not None and is_other and shape is not None and prior.patch > min(shape):
        yield Problem(
            where,
            f"patch={prior.patch} does not fit inside images of {by(shape)}",
            f"use a prior with a patch of at most {min(shape)}",
        )
    has_places = prior is None or prior.depends_on_place(dataset.is_volume)
    if has_places and shape and other and shape != other:
        yield Problem(
            where,
            f"its images are {by(other)}, the explained ones {by(shape)}",
            "choose a dataset of the same size"
            + ("" if prior is None else ", or set location of the prior to none"),
        )


def _form(dataset: Source) -> str:
    kind = "volumes" if dataset.is_volume else "2-D images"
    return f"{kind} with {dataset.channel_count} channel(s)"
