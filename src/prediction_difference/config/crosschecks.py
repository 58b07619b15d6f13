"""Whether the named sections of a configuration fit each other."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prediction_difference.attribution.image_choice import slot_of, slots
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.deviation import DeviationFromMean
from prediction_difference.attribution.methods.pattern import HaufePattern
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.methods.weights import LinearWeights
from prediction_difference.attribution.node_choices import (
    ClassNodes,
    LayerMaps,
    NodeChoice,
    has_node,
    node_names,
)
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.config.evaluation_checks import (
    check_classes,
    check_evaluation,
    check_measured,
)
from prediction_difference.config.training_checks import (
    check_training_curves,
    draw_the_same,
)
from prediction_difference.data.source import Source
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.figures.kind import Figure, MeasuredFigure
from prediction_difference.figures.kinds.clear import ClearPanels
from prediction_difference.figures.kinds.compared import ComparedMethods
from prediction_difference.figures.kinds.complexity import ComplexityPlots
from prediction_difference.figures.kinds.feature_maps import FeatureMaps
from prediction_difference.figures.kinds.heatmaps import HeatmapPanels
from prediction_difference.figures.kinds.training_curves import TrainingCurves
from prediction_difference.figures.kinds.volume_slices import VolumeSlices
from prediction_difference.lookup import (
    Lookup,
    Sections,
    Shapes,
    by,
    check_equal,
    dataset_of_explanations,
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
        "evaluations": check_evaluation,
        "figures": _check_figure,
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


def _check_figure(where: str, figure: Figure, lookup: Lookup) -> Iterator[Problem]:
    names = figure.explanation_names
    for name in names:
        yield from lookup.missing(f"{where}.{_key_of_explanations(figure)}", "explanations", name)
    match figure:
        case HeatmapPanels():
            yield from _check_shown_images(where, figure, lookup)
            yield from _check_form(where, names, False, lookup)
            for panel in figure.panels:
                yield from _check_node(where, panel.explanation, panel.node, lookup)
        case ClearPanels():
            yield from _check_shown_images(where, figure, lookup)
            yield from _check_form(where, names, False, lookup)
            yield from check_classes(f"{where}.explanations", names, lookup)
        case FeatureMaps():
            yield from _check_shown_images(where, figure, lookup)
            yield from _check_form(where, names, False, lookup)
            yield from _check_maps(where, figure, lookup)
        case VolumeSlices():
            yield from _check_shown_images(where, figure, lookup)
            yield from _check_form(where, names, True, lookup)
            yield from _check_slices(where, figure, lookup)
            for name in names:
                yield from _check_node(where, name, figure.node, lookup)
        case ComparedMethods():
            for title, name in figure.evaluations.items():
                yield from check_measured(f"{where}.evaluations.{title}", name, "aopc", (), lookup)
            yield from _check_compared(where, figure, lookup)
        case TrainingCurves():
            for name in figure.evaluations:
                yield from check_measured(f"{where}.evaluations", name, "aopc", (), lookup)
            yield from check_training_curves(where, figure, lookup)
        case ComplexityPlots():
            compared = (figure.explanation, *figure.explanations)
            place = f"{where}.evaluation"
            yield from check_measured(place, figure.evaluation, figure.kind, compared, lookup)
        case MeasuredFigure():
            measure = _MEASURES.get(figure.kind, figure.kind)
            place = f"{where}.evaluation"
            yield from check_measured(place, figure.evaluation, measure, (), lookup)


_MEASURES = {"perturbation-curves": "aopc"}
"""The measure that a kind of figure shows, where it has another name."""


def _check_compared(where: str, figure: ComparedMethods, lookup: Lookup) -> Iterator[Problem]:
    """Every explanation that is shown, and the baseline, must have been measured."""
    entries = [lookup.entry("evaluations", name) for name in figure.evaluation_names]
    if any(not isinstance(entry, RegionPerturbation) for entry in entries):
        return
    measured = {name for entry in entries if entry for name in entry.explanations}
    for name in figure.labels:
        if name not in measured:
            what = f"none of its evaluations measures {name!r}"
            known = ", ".join(sorted(measured))
            yield Problem(f"{where}.labels", what, f"they measure {known}")
    for evaluation, entry in dict(zip(figure.evaluation_names, entries, strict=True)).items():
        names = () if entry is None else entry.explanations
        by_name = {n: e for n in names if (e := lookup.entry("explanations", n)) is not None}
        if by_name and len(by_name) == len(names):
            yield from _check_panel(where, figure, evaluation, by_name)


def _check_panel(
    where: str, figure: ComparedMethods, evaluation: str, entries: Mapping[str, Any]
) -> Iterator[Problem]:
    """A panel needs what is compared and the baseline; entries: the explanations measured."""
    labels = figure.labels
    shown = {name: labels.get(name, name) for name in entries if not labels or name in labels}
    if figure.baseline is None:
        baselines = {name for name, entry in entries.items() if entry.method == "random"}
        what = f"{evaluation} measures no explanation by method: random"
        remedy = "add one to it, or name another baseline"
    else:
        baselines = {name for name, label in shown.items() if label == figure.baseline}
        what = f"{evaluation} does not measure {figure.baseline!r}"
        if figure.baseline in entries:
            what = f"{figure.baseline!r} of {evaluation} is not shown, or has another label"
        remedy = f"choose from {', '.join(sorted(shown.values())) or 'what labels name'}"
    if not baselines:
        yield Problem(f"{where}.baseline", what, remedy)
    elif baselines >= shown.keys():
        what = f"nothing of {evaluation} is shown but the baseline"
        others = ", ".join(sorted(entries.keys() - baselines))
        remedy = f"label one of {others}" if others else "let it measure other explanations as well"
        yield Problem(f"{where}.evaluations", what, remedy)


def _key_of_explanations(figure: Figure) -> str:
    return "rows" if getattr(figure, "rows", None) else "explanations"


def _check_shown_images(
    where: str,
    figure: HeatmapPanels | ClearPanels | FeatureMaps | VolumeSlices,
    lookup: Lookup,
) -> Iterator[Problem]:
    """Every explanation must have the images, and a numbered one must be the same for all."""
    names = figure.explanation_names
    entries = {n: e for n in names if (e := lookup.entry("explanations", n)) is not None}
    if figure.shown_images is None and not isinstance(figure, FeatureMaps):
        yield from check_equal(where, ("images",), names, lookup)
    for name, entry in entries.items():
        known = slots(entry)
        for image in figure.shown_images or ():
            if slot_of(image) not in known:
                what = f"{name!r} does not explain image {image!r}"
                yield Problem(where, what, "add it to the images of the explanation, or leave it")
    if not draw_the_same(list(entries.values()), lookup):
        yield Problem(
            where,
            "its explanations are of several classifiers, which draw images by number anew",
            "name the images of the explanations",
        )


def _check_form(
    where: str, names: tuple[str, ...], wants_volumes: bool, lookup: Lookup
) -> Iterator[Problem]:
    datasets = (dataset_of_explanations((name,), lookup) for name in names)
    if any(dataset is not None and dataset.is_volume != wants_volumes for dataset in datasets):
        kinds = ("2-D images", "heatmaps") if wants_volumes else ("volumes", "volume-slices")
        yield Problem(f"{where}.kind", f"the images are {kinds[0]}", f"use kind: {kinds[1]}")
    for name in names:
        entry = lookup.entry("explanations", name)
        if entry is None or not entry.removes_layer:
            continue
        if wants_volumes or entry.removed.features == "units":
            yield Problem(
                where,
                f"{name!r} has relevance of a hidden layer's units or volumes, which no figure "
                "shows",
                "read its attribution store, or remove windows of a layer of 2-D images",
            )


def _check_slices(where: str, figure: VolumeSlices, lookup: Lookup) -> Iterator[Problem]:
    """Slices that are named must be in the slab, or in volumes whose size is known."""
    for key in ("titles", "hide_below_of"):
        for name in getattr(figure, key):
            if name not in figure.explanations:
                what = f"{name!r} is not among the figure's explanations"
                known = ", ".join(figure.explanations)
                yield Problem(f"{where}.{key}", what, f"they are {known}")
    dataset = dataset_of_explanations(figure.explanation_names, lookup)
    if isinstance(figure.slices, int) or dataset is None or not dataset.is_volume:
        return
    (axis,) = figure.axes
    slab, shape = dataset.slab, lookup.shape_of(dataset)
    if slab is not None and slab.axis == axis:
        first, last = slab.start, slab.stop - 1
    elif shape is not None:
        first, last = 0, shape[axis] - 1
    else:
        return
    for number in figure.slices:
        if not first <= number <= last:
            what = f"there is no slice {number} on axis {axis}"
            yield Problem(f"{where}.slices", what, f"there are {first} to {last}")


def _check_node(where: str, name: str, node: int | str, lookup: Lookup) -> Iterator[Problem]:
    entry = lookup.entry("explanations", name)
    if entry is None:
        return
    if isinstance(node, str):
        is_difference = isinstance(entry, PredictionDifference)
        default = "probability" if is_difference else "score"
        if not has_node(entry.nodes, node, default):
            known = [n for choice in entry.nodes for n in node_names(choice, default) or ()]
            few = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
            what = f"{name!r} has no node {node!r}"
            yield Problem(f"{where}.node", what, f"its nodes are {few or 'maps of layers'}")
    elif entry.node_count is not None and node >= entry.node_count:
        yield Problem(
            f"{where}.node",
            f"{name!r} has {entry.node_count} node(s), counted from 0, not node {node}",
            f"set node to at most {entry.node_count - 1}",
        )


def _check_maps(where: str, figure: FeatureMaps, lookup: Lookup) -> Iterator[Problem]:
    entries = [lookup.entry("explanations", name) for name in figure.explanation_names]
    nodes = [node for entry in entries if entry is not None for node in entry.nodes]
    layers = {node.layer for node in nodes if isinstance(node, LayerMaps)}
    missing = [layer for layer in figure.layers if layer not in layers]
    if None not in entries and (missing or not layers):
        what = f"maps of {', '.join(missing) or 'layers'} are not explained"
        remedy = "add nodes such as {layer: <name>, maps: all} to its explanations"
        yield Problem(f"{where}.layers", what, remedy)
