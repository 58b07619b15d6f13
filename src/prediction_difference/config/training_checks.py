"""Whether checkpoints of a training, and what is drawn over them, fit each other."""

from collections.abc import Iterator, Sequence
from typing import Any

from prediction_difference.config import model
from prediction_difference.config.lookup import Lookup
from prediction_difference.errors import Problem


def check_checkpoint(where: str, checkpoint: model.Checkpoint, lookup: Lookup) -> Iterator[Problem]:
    """A checkpoint must be of a training that keeps it."""
    yield from lookup.missing(f"{where}.of", "classifiers", checkpoint.of)
    trained = lookup.entry("classifiers", checkpoint.of)
    if trained is None:
        return
    if not isinstance(trained, model.TrainedNetwork):
        what = f"{checkpoint.of!r} is of kind {trained.kind!r}, which keeps no checkpoints"
        yield Problem(f"{where}.of", what, "name a classifier of kind: train")
        return
    if checkpoint.epoch not in trained.checkpoints:
        kept = ", ".join(map(str, sorted(trained.checkpoints))) or "none"
        what = f"{checkpoint.of!r} keeps no checkpoint of epoch {checkpoint.epoch}, but of {kept}"
        remedy = f"choose one of these, or add it to classifiers.{checkpoint.of}.checkpoints"
        yield Problem(f"{where}.epoch", what, remedy)
    if checkpoint.dataset != trained.dataset:
        what = f"{checkpoint.of!r} is trained on {trained.dataset!r}, not {checkpoint.dataset!r}"
        yield Problem(f"{where}.dataset", what, "remove the key")


def draw_the_same(explanations: Sequence[model.ExplanationSettings], lookup: Lookup) -> bool:
    """Whether numbered images are the same for all: one classifier, or random ones of a training.

    Named images always are.
    """
    choices = [e.images for e in explanations if isinstance(e.images, model.ImageChoice)]
    names = {explanation.classifier for explanation in explanations}
    if not choices or len(names) == 1:
        return True
    trainings = {_training_of(name, lookup) for name in names}
    return len(trainings) == 1 and not any(_depend_on_accuracy(choice) for choice in choices)


def _training_of(classifier: str, lookup: Lookup) -> str:
    entry = lookup.entry("classifiers", classifier)
    return entry.of if isinstance(entry, model.Checkpoint) else classifier


def _depend_on_accuracy(images: Any) -> bool:
    return isinstance(images, model.ImageChoice) and images.by_label > 0


def check_training_curves(
    where: str, figure: model.TrainingCurves, lookup: Lookup
) -> Iterator[Problem]:
    """All explanations of the evaluations are compared, and each has a label or none has."""
    found = [(name, lookup.entry("evaluations", name)) for name in figure.evaluations]
    compared = [(n, e.explanations) for n, e in found if isinstance(e, model.RegionPerturbation)]
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
    measured = {n: e for n, e in found.items() if isinstance(e, model.RegionPerturbation)}
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
    where: str, names: tuple[str, str], measured: dict[str, model.RegionPerturbation]
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
        if not isinstance(entry, model.Checkpoint | model.TrainedNetwork):
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
