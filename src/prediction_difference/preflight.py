"""Everything that can be found wrong before the first job starts, in one list."""

import difflib
import sys
from pathlib import Path
from typing import Any

from prediction_difference.config import Config, inspect_config, model, slots
from prediction_difference.data import sources
from prediction_difference.data.dataset import Catalogue
from prediction_difference.errors import ConfigError, Problem
from prediction_difference.stores import digest


def checked_config(raw: Any) -> Config:
    """Check a configuration, as read from YAML, and look at every file that it names.

    Raises:
        ConfigError: all problems together: file, key or subject, what is wrong, how to mend it.
    """
    parts, problems = inspect_config(raw)
    catalogues = {}
    for name, dataset in parts.get("datasets", {}).items():
        found = sources.check(dataset, name)
        problems += found
        if not found and _is_explained(name, parts):
            catalogues[name] = sources.catalogue(dataset)
    for name, classifier in parts.get("classifiers", {}).items():
        problems += _check_classifier(f"classifiers.{name}", classifier)
    for name, explanation in parts.get("explanations", {}).items():
        classifier = parts["classifiers"].get(explanation.classifier)
        known = None if classifier is None else catalogues.get(classifier.dataset)
        if known is not None:
            told = {problem.where for problem in problems}
            found = _check_names(f"explanations.{name}", explanation, classifier, known)
            problems += [problem for problem in found if problem.where not in told]
    if problems:
        raise ConfigError(problems)
    return Config(**parts)


def files_state(config: Config, section: str, name: str) -> str:
    """Digest of names, sizes and times of the user's files behind a dataset or a classifier.

    A job that reads them is run again when one of them is changed, added or removed.
    """
    entry = getattr(config, section)[name]
    files = sources.files(entry) if section == "datasets" else _files_of_classifier(entry)
    states = [(path, path.stat()) for path in files if path.is_file()]
    return digest(*(f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states))


def _files_of_classifier(classifier: model.Classifier) -> list[Path]:
    match classifier:
        case model.TorchNetwork(factory=factory, weights=weights, class_names=class_names):
            module = factory.partition(":")[0].replace(".", "/")
            places = [Path(place) / f"{module}.py" for place in sys.path]
            return [*places, weights, *([class_names] if class_names else [])]
        case model.TorchvisionNetwork(weights=weights, class_names=class_names):
            return [Path(weights), *([class_names] if class_names else [])]
        case _:
            return []


def _is_explained(dataset: str, parts: dict[str, Any]) -> bool:
    """Whether an explanation is about a classifier of this dataset."""
    classifiers = {n for n, c in parts.get("classifiers", {}).items() if c.dataset == dataset}
    return any(e.classifier in classifiers for e in parts.get("explanations", {}).values())


def _check_names(
    where: str, explanation: model.Explanation, classifier: model.Classifier, known: Catalogue
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
    brings_names = isinstance(classifier, model.TorchvisionNetwork) or (
        isinstance(classifier, model.TorchNetwork) and classifier.class_names is not None
    )
    if brings_names:
        return problems
    classes = ("predicted", "label", *known.class_names)
    return problems + [
        Problem(
            f"{where}.nodes.{number}.of",
            f"there is no class {node.of!r}",
            _nearest(node.of, known.class_names),
        )
        for number, node in enumerate(explanation.nodes)
        if isinstance(node, model.NodeChoice)
        and isinstance(node.of, str)
        and node.of not in classes
    ]


def _nearest(wrong: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(wrong, known, n=1)
    few = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return f"did you mean {near[0]!r}?" if near else f"there are {few or 'none'}"


def _check_classifier(where: str, classifier: model.Classifier) -> list[Problem]:
    files: dict[str, Path] = {}
    if isinstance(classifier, model.TorchNetwork):
        files["weights"] = classifier.weights
    if isinstance(classifier, model.TorchvisionNetwork) and "." in classifier.weights:
        files["weights"] = Path(classifier.weights)
    if (
        isinstance(classifier, model.TorchvisionNetwork | model.TorchNetwork)
        and classifier.class_names
    ):
        files["class_names"] = classifier.class_names
    return [
        Problem(f"{where}.{key}", f"there is no file {file}", "correct the path")
        for key, file in files.items()
        if not file.is_file()
    ]
