"""Everything that can be found wrong before the first job starts, in one list."""

import difflib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.image_choice import ImageChoice, slots
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import ClassNodes, NodeChoice
from prediction_difference.attribution.nodes import ONE_OUTPUT, REMEDY_OF_ONE_OUTPUT
from prediction_difference.classifiers.kind import Classifier
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.classifiers.kinds.efficientnet_lite0 import EfficientNetLite0
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.kinds.torch import TorchNetwork
from prediction_difference.classifiers.kinds.torchvision import TorchvisionNetwork
from prediction_difference.config import inspect_config
from prediction_difference.data.checksums import copies
from prediction_difference.data.class_names import read_class_names
from prediction_difference.data.dataset import UNLABELLED, Catalogue
from prediction_difference.data.source import Source
from prediction_difference.data.splits import refuse_small_classes
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.lookup import Shapes, known_shapes
from prediction_difference.run import Config
from prediction_difference.stores import digest


def checked_config(raw: Any) -> Config:
    """Check a configuration, as read from YAML, and look at every file that it names.

    Raises:
        ConfigError: all problems together: file, key or subject, what is wrong, how to mend it.
    """
    parts, problems = inspect_config(raw, _shapes)
    catalogues, found = _look_at_datasets(parts)
    problems += found
    for name, classifier in parts.get("classifiers", {}).items():
        problems += _check_classifier(f"classifiers.{name}", classifier)
        known = catalogues.get(classifier.dataset)
        if known is not None:
            dataset = parts["datasets"][classifier.dataset]
            problems += _check_training(f"classifiers.{name}", classifier, dataset, known)
    for name, explanation in parts.get("explanations", {}).items():
        classifier = parts["classifiers"].get(explanation.classifier)
        known = None if classifier is None else catalogues.get(classifier.dataset)
        if known is not None:
            told = {problem.where for problem in problems}
            found = _check_names(f"explanations.{name}", explanation, classifier, known)
            problems += [problem for problem in found if problem.where not in told]
            problems += _check_labels(f"explanations.{name}", explanation, known)
            problems += _check_copies(f"explanations.{name}.prior", explanation, parts, catalogues)
    if problems:
        raise ConfigError(problems)
    return Config(**parts)


def _shapes(parts: dict[str, Any]) -> Shapes:
    """Sides of the images of all datasets, as far as headers tell them."""
    return known_shapes(parts["datasets"], parts["run"].seed if parts.get("run") else 0)


def _look_at_datasets(parts: dict[str, Any]) -> tuple[dict[str, Catalogue | None], list[Problem]]:
    """What right datasets hold, and the problems of all."""
    catalogues: dict[str, Catalogue | None] = {}
    problems: list[Problem] = []
    seed = parts["run"].seed if parts.get("run") else 0
    for name, dataset in parts.get("datasets", {}).items():
        found = dataset.check(name, seed)
        problems += found
        if not found:
            catalogues[name] = dataset.catalogue(name, seed)
    return catalogues, problems


def files_state(config: Config, section: str, name: str) -> str:
    """Digest of names, sizes and times of the user's files behind a dataset or a classifier.

    A job that reads them is run again when one of them is changed, added or removed.
    """
    entry = getattr(config, section)[name]
    if section == "datasets":
        files = entry.files_behind(name, config.run.seed)
    else:
        files = _files_of_classifier(entry)
    states = [(path, path.stat()) for path in files if path.is_file()]
    return digest(*(f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states))


def _files_of_classifier(classifier: Classifier) -> list[Path]:
    match classifier:
        case TorchNetwork(factory=factory, weights=weights, class_names=class_names):
            module = factory.partition(":")[0].replace(".", "/")
            places = [Path(place) / f"{module}.py" for place in sys.path]
            return [*places, weights, *([class_names] if class_names else [])]
        case FineTunedNetwork(weights=weights):
            return [Path(weights)]
        case TorchvisionNetwork(weights=weights, class_names=class_names):
            return [Path(weights), *([class_names] if class_names else [])]
        case _:
            return []


def _check_training(
    where: str, classifier: Classifier, dataset: Source, known: Catalogue
) -> list[Problem]:
    """Labels that a classifier which is trained in the pipeline needs, and the dataset has not."""
    # Of a checkpoint, the training is told of.
    is_trained = classifier.weights_from != "elsewhere" and not isinstance(classifier, Checkpoint)
    if isinstance(classifier, LogisticRegression):
        found = _check_columns(where, classifier, known)
        if found:
            return found
    if not is_trained or not known.labels:
        return []
    labels = np.array(known.labels)
    if (labels == UNLABELLED).any():
        what = f"is trained on classes, which images of {classifier.dataset!r} do not have"
        return [Problem(f"{where}.dataset", what, "put images in class folders")]
    try:
        refuse_small_classes(labels, dataset, f"{where}.dataset")
    except DataError as error:
        return [error.problem]
    return []


def _check_columns(where: str, classifier: LogisticRegression, known: Catalogue) -> list[Problem]:
    """Columns that a classifier names and its dataset does not have, or not for all images."""
    problems = []
    for key in ("confounds", "also_predict"):
        for column in getattr(classifier, key):
            place = f"{where}.{key}"
            if column not in known.columns:
                what = f"{classifier.dataset!r} has no column {column!r}"
                problems.append(Problem(place, what, _nearest(column, tuple(known.columns))))
                continue
            pairs = zip(known.names, known.columns[column], strict=True)
            missing = [name for name, value in pairs if value is None]
            if missing:
                few = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
                what = f"column {column!r} has no value for {few}"
                remedy = "fill it in, or remove these subjects"
                problems.append(Problem(place, what, remedy))
    return problems


def _check_names(
    where: str, explanation: Method, classifier: Classifier, known: Catalogue
) -> list[Problem]:
    """Images and classes that an explanation names and its dataset does not have."""
    named = explanation.images if isinstance(explanation.images, tuple) else ()
    asked = 0 if named else len(slots(explanation))
    if asked > len(known.names):
        what = f"{asked} are asked for, {classifier.dataset!r} has {len(known.names)}"
        return [Problem(f"{where}.images", what, "ask for fewer")]
    problems = [
        Problem(f"{where}.images", f"there is no image {image!r}", _nearest(image, known.names))
        for image in sorted(set(named) - set(known.names))
    ]
    names = _names_of_classes(classifier, known)
    if names is None:
        return problems
    classes = ("predicted", "label", *names)
    problems += _check_outputs(where, explanation, names)
    return problems + [
        Problem(
            f"{where}.nodes.{number}.of",
            f"there is no class {node.of!r}",
            _nearest(node.of, names),
        )
        for number, node in enumerate(explanation.nodes)
        if isinstance(node, NodeChoice) and isinstance(node.of, str) and node.of not in classes
    ]


def _check_outputs(where: str, explanation: Method, names: tuple[str, ...]) -> list[Problem]:
    """Probabilities that are asked for of a classifier with one class."""
    if len(names) != 1:
        return []
    is_default = explanation.default_output == "probability"
    asked = ("probability", None) if is_default else ("probability",)
    return [
        Problem(f"{where}.nodes.{number}.output", ONE_OUTPUT, REMEDY_OF_ONE_OUTPUT)
        for number, node in enumerate(explanation.nodes)
        if isinstance(node, NodeChoice | ClassNodes) and node.output in asked
    ]


def _check_labels(where: str, explanation: Method, known: Catalogue) -> list[Problem]:
    """What an explanation asks of labels where the images have none."""
    if not known.labels or set(known.labels) != {UNLABELLED}:
        return []
    problems = []
    images = explanation.images
    if isinstance(images, ImageChoice) and images.by_label > 0:
        what = "which images are classified correctly is not known, they have no labels"
        problems.append(Problem(f"{where}.images", what, "set random"))
    return problems + [
        Problem(f"{where}.nodes.{number}.of", "the images have no labels", "explain predicted")
        for number, node in enumerate(explanation.nodes)
        if isinstance(node, NodeChoice) and node.of == "label"
    ]


def _check_copies(
    where: str,
    explanation: Method,
    parts: dict[str, Any],
    catalogues: dict[str, Catalogue | None],
) -> list[Problem]:
    """Explained images that lie in the prior's dataset, too, as far as files tell."""
    name = parts["classifiers"][explanation.classifier].dataset
    prior = parts["priors"].get(explanation.prior_name)
    known = catalogues.get(name)
    others = None if prior is None or prior.dataset == name else catalogues.get(prior.dataset)
    if known is None or others is None:
        return []
    is_named = isinstance(explanation.images, tuple)
    # Which images are left for an explanation to draw from is known only where all are held out.
    if not is_named and parts["datasets"][name].test_fraction is not None:
        return []
    paths = zip(known.names, known.paths, strict=False)
    explained = [path for n, path in paths if not is_named or n in explanation.images]
    found = list(copies(explained, others.paths).items())
    if not found:
        return []
    (image, copy), *more = found
    what = f"{image} would be explained by a prior that is fitted on it ({copy})"
    what += f", and {len(more)} more" if more else ""
    remedy = f"take them out of {prior.dataset!r}, or fit the prior to {name!r} with folds"
    return [Problem(where, what, remedy)]


def _names_of_classes(classifier: Classifier, known: Catalogue) -> tuple[str, ...] | None:
    """Classes as the classifier names them; None where only its weights tell."""
    if isinstance(classifier, EfficientNetLite0):
        return None
    if not isinstance(classifier, TorchvisionNetwork | TorchNetwork):
        return known.class_names
    if classifier.class_names is not None:
        try:
            return read_class_names(classifier.class_names).names
        except DataError:
            return None
    return known.class_names if isinstance(classifier, TorchNetwork) else None


def _nearest(wrong: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(wrong, known, n=1)
    few = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return f"did you mean {near[0]!r}?" if near else f"there are {few or 'none'}"


def _check_classifier(where: str, classifier: Classifier) -> list[Problem]:
    if not isinstance(classifier, TorchvisionNetwork | TorchNetwork):
        return []
    problems: list[Problem] = []
    is_entry = isinstance(classifier, TorchvisionNetwork) and "." not in classifier.weights
    if not is_entry and not Path(classifier.weights).is_file():
        what = f"there is no file {classifier.weights}"
        problems.append(Problem(f"{where}.weights", what, "correct the path"))
    names = classifier.class_names
    if names is not None and not names.is_file():
        what = f"there is no file {names}"
        problems.append(Problem(f"{where}.class_names", what, "correct the path"))
    elif names is not None:
        try:
            read_class_names(names)
        except DataError as error:
            problems.append(error.problem)
    return problems
