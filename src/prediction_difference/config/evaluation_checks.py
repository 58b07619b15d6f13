"""Whether evaluations fit the explanations that they compare."""

import math
from collections.abc import Iterator, Sequence

from prediction_difference.attribution.methods.occlusion import Occlusion
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.methods.random import RandomOrder
from prediction_difference.attribution.methods.segmentation import Segmentation
from prediction_difference.attribution.node_choices import (
    AnyNode,
    ClassNodes,
    LayerMaps,
    LayerUnit,
    NodeChoice,
)
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.config.training_checks import check_over_training
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.errors import Problem
from prediction_difference.evaluation.claims.finds_damage import FindsDamage
from prediction_difference.evaluation.claims.follows_accuracy import FollowsAccuracy
from prediction_difference.evaluation.claims.strong_features import StrongFeaturesSuffice
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.aggregation import Aggregation
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.evaluation.measures.claims import Claims
from prediction_difference.evaluation.measures.cohort_accuracy import CohortAccuracy
from prediction_difference.evaluation.measures.complexity import HeatmapComplexity
from prediction_difference.evaluation.measures.consistency import Consistency
from prediction_difference.evaluation.measures.continuity import Continuity
from prediction_difference.evaluation.measures.dominance import Dominance
from prediction_difference.evaluation.measures.image_specificity import ImageSpecificity
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.evaluation.measures.strong_features import StrongFeatures
from prediction_difference.lookup import (
    Lookup,
    by,
    check_equal,
    dataset_of_explanations,
)


def check_evaluation(where: str, evaluation: Measure, lookup: Lookup) -> Iterator[Problem]:
    """Problems of one evaluation: what it compares, and sizes."""
    match evaluation:
        case Claims():
            yield from _check_claims(where, evaluation, lookup)
        case HeatmapComplexity():
            yield from _check_same_images(f"{where}.explanations", evaluation.explanations, lookup)
        case Continuity():
            yield from _check_continuity(f"{where}.explanations", evaluation.explanations, lookup)
        case ImageSpecificity():
            yield from _check_specificity(f"{where}.explanations", evaluation.explanations, lookup)
        case StrongFeatures() | Dominance():
            names = evaluation.explanations
            yield from _check_same_images(f"{where}.explanations", names, lookup)
            wants_label = isinstance(evaluation, StrongFeatures)
            yield from check_classes(f"{where}.explanations", names, lookup, wants_label)
        case Consistency():
            names = evaluation.explanations
            yield from _check_same_class_of_pictures(f"{where}.compared", names, lookup)
        case Aggregation():
            yield from _check_aggregation(where, evaluation, lookup)
        case LocationStudy():
            yield from _check_location(where, evaluation, lookup)
        case CohortAccuracy():
            yield from _check_cohorts(f"{where}.classifier", evaluation.classifier, lookup)
        case RegionPerturbation():
            yield from _check_perturbation(where, evaluation, lookup)


def _check_cohorts(where: str, name: str, lookup: Lookup) -> Iterator[Problem]:
    """Other cohorts can be simulated only."""
    yield from lookup.missing(where, "classifiers", name)
    classifier = lookup.entry("classifiers", name)
    if classifier is None:
        return
    dataset = lookup.entry("datasets", classifier.dataset)
    is_simulated = dataset is None or isinstance(dataset, SimulatedFA)
    if not isinstance(classifier, LogisticRegression) or not is_simulated:
        what = f"{name!r} is no logistic regression of a simulated cohort"
        yield Problem(where, what, "name one on a dataset of source: simulated-fa")


def _check_continuity(where: str, names: tuple[str, ...], lookup: Lookup) -> Iterator[Problem]:
    """Only what is passed back through a network explains a function of two numbers."""
    unfit = (
        PredictionDifference,
        Occlusion,
        Segmentation,
        RandomOrder,
    )
    for name in names:
        yield from lookup.missing(where, "explanations", name)
        entry = lookup.entry("explanations", name)
        if isinstance(entry, unfit):
            what = f"{name!r} has method: {entry.method}, which says nothing of two numbers"
            yield Problem(where, what, "name methods that go back through a network")


def _check_specificity(where: str, names: tuple[str, ...], lookup: Lookup) -> Iterator[Problem]:
    yield from _check_same_class_of_pictures(where, names, lookup)
    for name in names:
        entry = lookup.entry("explanations", name)
        if isinstance(entry, PredictionDifference):
            what = f"{name!r} has method: {entry.method}, which is not made for turned images"
            yield Problem(where, what, "name explanations with other methods")


def check_classes(
    where: str, names: tuple[str, ...], lookup: Lookup, wants_label: bool = False
) -> Iterator[Problem]:
    """Maps of several classes are compared, or that of the label is looked at."""
    for name in names:
        entry = lookup.entry("explanations", name)
        if entry is None:
            continue
        if not (_has_label(entry.nodes) if wants_label else _has_several(entry.nodes)):
            what = "the label's class for sure" if wants_label else "several classes"
            yield Problem(
                where, f"{name!r} does not explain {what}", "give it nodes: [{classes: all}]"
            )
        if len({getattr(node, "output", None) for node in entry.nodes}) > 1:
            what = f"{name!r} explains nodes of several kinds, which cannot be compared"
            yield Problem(where, what, "give all nodes the same output")
        if entry.removes_layer:
            what = f"{name!r} removes a hidden layer, so its map is not one of pixels"
            yield Problem(where, what, "leave it out")


def _has_several(nodes: Sequence[AnyNode]) -> bool:
    many = [node for node in nodes if isinstance(node, ClassNodes) and node.classes != 1]
    return bool(many) or len(nodes) > 1


def _has_label(nodes: Sequence[AnyNode]) -> bool:
    return any(
        node.classes == "all"
        if isinstance(node, ClassNodes)
        else isinstance(node, NodeChoice) and node.of == "label"
        for node in nodes
    )


def _check_aggregation(where: str, evaluation: Aggregation, lookup: Lookup) -> Iterator[Problem]:
    names = evaluation.explanations
    yield from _check_same_class_of_pictures(f"{where}.explanations", names, lookup)
    dataset = dataset_of_explanations(names, lookup)
    shape = lookup.shape_of(dataset)
    if shape is not None and evaluation.regions > min(shape):
        yield Problem(
            f"{where}.regions",
            f"{evaluation.regions} regions along the sides of images of {by(shape)}",
            f"set regions to at most {min(shape)}",
        )


def _check_same_class_of_pictures(
    where: str, names: tuple[str, ...], lookup: Lookup
) -> Iterator[Problem]:
    yield from _check_same_images(where, names, lookup)
    yield from _check_same_class(where, names, lookup)
    dataset = dataset_of_explanations(names, lookup)
    if dataset is not None and dataset.is_volume:
        yield Problem(where, "the images are volumes", "name explanations of 2-D images")


def _check_location(where: str, evaluation: LocationStudy, lookup: Lookup) -> Iterator[Problem]:
    """Only a simulated cohort has known damage, and others like it."""
    yield from lookup.missing(f"{where}.dataset", "datasets", evaluation.dataset)
    dataset = lookup.entry("datasets", evaluation.dataset)
    if dataset is None:
        return
    if not isinstance(dataset, SimulatedFA) or dataset.folds is None:
        what = f"{evaluation.dataset!r} is no simulated cohort with folds"
        yield Problem(f"{where}.dataset", what, "name one of source: simulated-fa, and set folds")
        return
    shape = lookup.shape_of(dataset)
    if shape is not None and evaluation.patch > min(shape):
        yield Problem(
            f"{where}.patch",
            f"patch={evaluation.patch} does not fit inside volumes of {by(shape)}",
            f"set it to at most {min(shape)}",
        )


def _check_perturbation(
    where: str, evaluation: RegionPerturbation, lookup: Lookup
) -> Iterator[Problem]:
    yield from _check_same_images(f"{where}.explanations", evaluation.explanations, lookup)
    yield from _check_same_class(f"{where}.explanations", evaluation.explanations, lookup)
    yield from _check_prior_of_regions(where, evaluation, lookup)
    dataset = dataset_of_explanations(evaluation.explanations, lookup)
    shape = lookup.shape_of(dataset)
    if shape is None:
        return
    regions = math.prod(side // evaluation.region for side in shape)
    if regions == 0:
        yield Problem(
            f"{where}.region",
            f"region={evaluation.region} does not fit inside images of {by(shape)}",
            f"set region to at most {min(shape)}",
        )
    elif evaluation.steps > regions:
        yield Problem(
            f"{where}.steps",
            f"{evaluation.steps} steps, but images of {by(shape)} have {regions} regions",
            f"set steps to at most {regions}, or make region smaller",
        )


def _check_prior_of_regions(
    where: str, evaluation: RegionPerturbation, lookup: Lookup
) -> Iterator[Problem]:
    yield from lookup.missing(f"{where}.prior", "priors", evaluation.prior)
    prior = lookup.entry("priors", evaluation.prior)
    if prior is not None and evaluation.region >= prior.patch:
        yield Problem(
            f"{where}.region",
            f"region={evaluation.region} does not fit inside patch={prior.patch} of prior "
            f"{evaluation.prior!r}",
            f"set region to at most {prior.patch - 1}, or patch to at least "
            f"{evaluation.region + 1}",
        )


def _check_claims(where: str, claims: Claims, lookup: Lookup) -> Iterator[Problem]:
    for number, claim in enumerate(claims.claims):
        place = f"{where}.claims.{number}"
        for name in claim.explanation_names:
            yield from lookup.missing(place, "explanations", name)
        for name in claim.classifier_names:
            yield from lookup.missing(place, "classifiers", name)
        yield from check_equal(place, ("images",), claim.explanation_names, lookup)
        if isinstance(claim, FollowsAccuracy):
            pairs = zip(claim.evaluations, claim.explanations, strict=True)
            compared = [(name, (explanation,)) for name, explanation in pairs]
            for name, measured in compared:
                yield from check_measured(place, name, claim.measured_by, measured, lookup)
            yield from check_over_training(place, compared, lookup)
            continue
        if isinstance(claim, FindsDamage):
            yield from _check_methods(place, claim, lookup)
            continue
        for name in claim.evaluation_names:
            yield from check_measured(place, name, claim.measured_by, claim.compared, lookup)
        if isinstance(claim, StrongFeaturesSuffice):
            yield from _check_threshold(place, claim, lookup)


def _check_threshold(where: str, claim: StrongFeaturesSuffice, lookup: Lookup) -> Iterator[Problem]:
    measured = lookup.entry("evaluations", claim.evaluation)
    if isinstance(measured, StrongFeatures) and claim.threshold not in measured.thresholds:
        what = f"{claim.evaluation} does not measure threshold={claim.threshold:g}"
        known = ", ".join(f"{one:g}" for one in measured.thresholds)
        yield Problem(where, what, f"choose from {known}, or add it to its thresholds")


def _check_methods(where: str, claim: FindsDamage, lookup: Lookup) -> Iterator[Problem]:
    """A study of location has methods in place of explanations."""
    yield from check_measured(where, claim.evaluation, claim.measured_by, (), lookup)
    study = lookup.entry("evaluations", claim.evaluation)
    if not isinstance(study, LocationStudy):
        return
    for method in claim.compared:
        if method not in study.methods:
            what = f"evaluation {claim.evaluation!r} does not measure {method!r}"
            known = ", ".join(study.methods)
            yield Problem(where, what, f"it measures {known}; name one of these, or add it")


def check_measured(
    where: str,
    name: str,
    measures: str | tuple[str, ...],
    explanations: tuple[str, ...],
    lookup: Lookup,
) -> Iterator[Problem]:
    """A table that is looked at must be there, of a right kind, and have the explanations."""
    fit = (measures,) if isinstance(measures, str) else measures
    yield from lookup.missing(where, "evaluations", name)
    evaluation = lookup.entry("evaluations", name)
    if evaluation is None:
        return
    if evaluation.measure not in fit:
        what = f"{name} has measure: {evaluation.measure}, which cannot be shown here"
        yield Problem(where, what, f"name one with measure: {' or '.join(fit)}")
        return
    for explanation in explanations:
        if explanation not in evaluation.explanations:
            what = f"evaluation {name!r} does not measure {explanation!r}"
            known = ", ".join(evaluation.explanations)
            yield Problem(where, what, f"it measures {known}; name one of these, or add it")


def _check_same_images(where: str, names: tuple[str, ...], lookup: Lookup) -> Iterator[Problem]:
    """Methods can be measured only on the same images of the same classifier."""
    for name in names:
        yield from lookup.missing(where, "explanations", name)
    yield from check_equal(where, ("classifier", "images"), names, lookup)


def _check_same_class(where: str, names: tuple[str, ...], lookup: Lookup) -> Iterator[Problem]:
    """An evaluation follows the class of the first node, which must be the same for all."""
    entries = {n: e for n in names if (e := lookup.entry("explanations", n)) is not None}
    first = {name: entry.nodes[0] for name, entry in entries.items()}
    for name, node in first.items():
        if isinstance(node, LayerMaps | LayerUnit):
            what = f"the first node of {name!r} is of layer {node.layer!r}"
            yield Problem(where, what, "name a class first, since regions are removed to lower it")
        if entries[name].removes_layer:
            what = f"{name!r} removes a hidden layer, so its map is not one of pixels"
            yield Problem(where, what, "leave it out")
    of = {
        name: "the first of many" if isinstance(node, ClassNodes) else node.which
        for name, node in first.items()
        if isinstance(node, NodeChoice | ClassNodes)
    }
    if len(set(of.values())) > 1:
        said = ", ".join(f"{name}: {one}" for name, one in of.items())
        yield Problem(
            where, f"their first nodes are of different classes ({said})", "make them the same"
        )
