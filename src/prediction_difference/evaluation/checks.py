"""Whether explanations and evaluations that are looked at together fit each other."""

from collections.abc import Iterator, Sequence
from typing import Any

from prediction_difference.attribution.image_choice import ImageChoice
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import (
    AnyNode,
    ClassNodes,
    LayerMaps,
    LayerUnit,
    NodeChoice,
)
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Measure
from prediction_difference.lookup import Lookup, check_equal, dataset_of_explanations


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


def check_same_images(where: str, names: tuple[str, ...], lookup: Lookup) -> Iterator[Problem]:
    """Methods can be measured only on the same images of the same classifier."""
    for name in names:
        yield from lookup.missing(where, "explanations", name)
    yield from check_equal(where, ("classifier", "images"), names, lookup)


def check_same_class(where: str, names: tuple[str, ...], lookup: Lookup) -> Iterator[Problem]:
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


def check_same_class_of_pictures(
    where: str, names: tuple[str, ...], lookup: Lookup
) -> Iterator[Problem]:
    """The same class of the same 2-D images is explained by all."""
    yield from check_same_images(where, names, lookup)
    yield from check_same_class(where, names, lookup)
    dataset = dataset_of_explanations(names, lookup)
    if dataset is not None and dataset.is_volume:
        yield Problem(where, "the images are volumes", "name explanations of 2-D images")


def check_measured(
    where: str,
    name: str,
    measures: tuple[type[Measure], ...],
    explanations: tuple[str, ...],
    lookup: Lookup,
) -> Iterator[Problem]:
    """A table that is looked at must be there, of a right kind, and have the explanations."""
    yield from lookup.missing(where, "evaluations", name)
    evaluation = lookup.entry("evaluations", name)
    if evaluation is None:
        return
    if not isinstance(evaluation, measures):
        what = f"{name} has measure: {evaluation.measure}, which cannot be shown here"
        known = " or ".join(one.word() for one in measures)
        yield Problem(where, what, f"name one with measure: {known}")
        return
    for explanation in explanations:
        if explanation not in evaluation.explanation_names:
            what = f"evaluation {name!r} does not measure {explanation!r}"
            known = ", ".join(evaluation.explanation_names)
            yield Problem(where, what, f"it measures {known}; name one of these, or add it")


def draw_the_same(explanations: Sequence[Method], lookup: Lookup) -> bool:
    """Whether numbered images are the same for all: one classifier, or random ones of a training.

    Named images always are.
    """
    choices = [e.images for e in explanations if isinstance(e.images, ImageChoice)]
    names = {explanation.classifier for explanation in explanations}
    if not choices or len(names) == 1:
        return True
    trainings = {_training_of(name, lookup) for name in names}
    return len(trainings) == 1 and not any(_depend_on_accuracy(choice) for choice in choices)


def _training_of(classifier: str, lookup: Lookup) -> str:
    entry = lookup.entry("classifiers", classifier)
    return (None if entry is None else entry.trained) or classifier


def _depend_on_accuracy(images: Any) -> bool:
    return isinstance(images, ImageChoice) and images.by_label > 0


def check_over_training(
    where: str,
    compared: Sequence[tuple[str, Sequence[str]]],
    measure: type[Measure],
    lookup: Lookup,
) -> Iterator[Problem]:
    """Every evaluation must be of another epoch of one training, and else the same.

    compared: names of evaluations, each with those of its explanations that are compared. measure:
    what all of them are.
    """
    found = {name: lookup.entry("evaluations", name) for name, _ in compared}
    measured = {n: e for n, e in found.items() if isinstance(e, measure)}
    if len(measured) < len(found):
        return
    first, *others = measured
    for name in others:
        yield from _check_same_measure(where, (first, name), measured)
    explained: list[tuple[str, list[Any]]] = [
        (name, [lookup.entry("explanations", e) for e in names]) for name, names in compared
    ]
    if any(entry is None for _, entries in explained for entry in entries):
        return
    for one in explained[1:]:
        yield from _check_same_methods(where, explained[0], one)
    yield from _check_images(where, first, explained[0][1][0])
    yield from _check_epochs(where, [(n, e[0].classifier) for n, e in explained], lookup)


def _check_same_measure(
    where: str, names: tuple[str, str], measured: dict[str, Measure]
) -> Iterator[Problem]:
    one, other = (measured[n].model_dump(exclude={"explanations", "images_per_job"}) for n in names)
    for key in (key for key in one if one[key] != other[key]):
        what = f"{names[0]!r} and {names[1]!r} have different {key}"
        yield Problem(where, what, f"give all the same {key}")


def _check_same_methods(
    where: str, one: tuple[str, list[Any]], other: tuple[str, list[Any]]
) -> Iterator[Problem]:
    """Both: the name of an evaluation, and entries of explanations."""
    if _comparable(one[1]) != _comparable(other[1]):
        what = f"{one[0]!r} and {other[0]!r} do not measure the same methods in the same order"
        yield Problem(where, what, "let their explanations differ by the classifier alone")


def _comparable(explanations: Sequence[Any]) -> list[dict[str, Any]]:
    return [e.model_dump(exclude={"classifier", "images_per_job"}) for e in explanations]


def _check_images(where: str, name: str, explanation: Any) -> Iterator[Problem]:
    if _depend_on_accuracy(explanation.images):
        what = f"{name!r} draws images by whether they are classified correctly, which changes"
        yield Problem(where, f"{what} from epoch to epoch", "name images, or take random ones")


def _check_epochs(
    where: str, classifiers: Sequence[tuple[str, str]], lookup: Lookup
) -> Iterator[Problem]:
    """classifiers: names of evaluations and of what they are of."""
    seen: dict[tuple[str, int], str] = {}
    for name, classifier in classifiers:
        entry = lookup.entry("classifiers", classifier)
        if entry is None:
            return
        moment = entry.moment(classifier)
        if moment is None:
            what = f"{name!r} is of {classifier!r}, which is no checkpoint of a training"
            yield Problem(where, what, "name evaluations of checkpoints")
            return
        if moment in seen:
            what = f"{seen[moment]!r} and {name!r} are both of epoch {moment[1]}"
            yield Problem(where, what, "leave one out")
        seen[moment] = name
    trainings = dict.fromkeys(training for training, _ in seen)
    if len(trainings) > 1:
        what = f"they are of several trainings ({', '.join(trainings)})"
        yield Problem(where, what, "name those of one training")
