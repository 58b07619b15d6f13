"""Whether checkpoints of a training, and what is drawn over them, fit each other."""

from collections.abc import Iterator, Sequence
from typing import Any

from prediction_difference.attribution.image_choice import ImageChoice
from prediction_difference.attribution.method import Method
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.figures.kinds.training_curves import TrainingCurves
from prediction_difference.lookup import Lookup


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
    return entry.of if isinstance(entry, Checkpoint) else classifier


def _depend_on_accuracy(images: Any) -> bool:
    return isinstance(images, ImageChoice) and images.by_label > 0


def check_training_curves(where: str, figure: TrainingCurves, lookup: Lookup) -> Iterator[Problem]:
    """All explanations of the evaluations are compared, and each has a label or none has."""
    found = [(name, lookup.entry("evaluations", name)) for name in figure.evaluations]
    compared = [(n, e.explanations) for n, e in found if isinstance(e, RegionPerturbation)]
    if len(compared) < len(found):
        return
    first, explanations = compared[0]
    if figure.labels and len(figure.labels) != len(explanations):
        what = f"{len(figure.labels)} labels, but {first!r} has {len(explanations)} explanations"
        yield Problem(f"{where}.labels", what, "give one for each")
    yield from check_over_training(f"{where}.evaluations", compared, lookup)


def check_over_training(
    where: str, compared: Sequence[tuple[str, Sequence[str]]], lookup: Lookup
) -> Iterator[Problem]:
    """Every evaluation must be of another epoch of one training, and else the same.

    compared: names of evaluations, each with those of its explanations that are compared.
    """
    found = {name: lookup.entry("evaluations", name) for name, _ in compared}
    measured = {n: e for n, e in found.items() if isinstance(e, RegionPerturbation)}
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
    where: str, names: tuple[str, str], measured: dict[str, RegionPerturbation]
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
        if not isinstance(entry, Checkpoint | TrainedNetwork):
            what = f"{name!r} is of {classifier!r}, which is no checkpoint of a training"
            yield Problem(where, what, "name evaluations of classifiers of kind: checkpoint")
            return
        moment = entry.moment(classifier)
        if moment in seen:
            what = f"{seen[moment]!r} and {name!r} are both of epoch {moment[1]}"
            yield Problem(where, what, "leave one out")
        seen[moment] = name
    trainings = dict.fromkeys(training for training, _ in seen)
    if len(trainings) > 1:
        what = f"they are of several trainings ({', '.join(trainings)})"
        yield Problem(where, what, "name those of one training")
