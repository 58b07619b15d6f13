"""Everything that can be found wrong before the first job starts, in one list."""

from typing import Any

from prediction_difference.attribution.image_choice import ImageChoice, slots
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import ClassNodes, NodeChoice
from prediction_difference.attribution.nodes import ONE_OUTPUT, REMEDY_OF_ONE_OUTPUT
from prediction_difference.classifiers.kind import Classifier
from prediction_difference.config import inspect_config
from prediction_difference.data.checksums import copies
from prediction_difference.data.dataset import UNLABELLED, Catalogue
from prediction_difference.errors import ConfigError, Problem, nearest, telling_slips
from prediction_difference.files import digest
from prediction_difference.lookup import Shapes, known_shapes
from prediction_difference.run import Config


def checked_config(raw: Any) -> Config:
    """Check a configuration, as read from YAML, and look at every file that it names.

    Raises:
        ConfigError: all problems together: file, key or subject, what is wrong, how to mend it; or
            the slip in a user's own module.
    """
    with telling_slips():
        parts, problems = _inspected(raw)
    if problems:
        raise ConfigError(problems)
    return Config(**parts)


def _inspected(raw: Any) -> tuple[dict[str, Any], list[Problem]]:
    """The parts of a configuration that are right by themselves, and all of its problems."""
    parts, problems = inspect_config(raw, _shapes)
    catalogues, found = _look_at_datasets(parts)
    problems += found
    for name, classifier in parts.get("classifiers", {}).items():
        problems += classifier.check_files(f"classifiers.{name}")
        known = catalogues.get(classifier.dataset)
        if known is not None:
            dataset = parts["datasets"][classifier.dataset]
            problems += classifier.check_catalogue(f"classifiers.{name}", known, dataset)
    for name, explanation in parts.get("explanations", {}).items():
        classifier = parts["classifiers"].get(explanation.classifier)
        known = None if classifier is None else catalogues.get(classifier.dataset)
        if known is not None:
            told = {problem.where for problem in problems}
            found = _check_names(f"explanations.{name}", explanation, classifier, known)
            problems += [problem for problem in found if problem.where not in told]
            problems += _check_labels(f"explanations.{name}", explanation, known)
            problems += _check_copies(f"explanations.{name}.prior", explanation, parts, catalogues)
    return parts, problems


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
        files = entry.files_behind()
    states = [(path, path.stat()) for path in files if path.is_file()]
    return digest(*(f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states))


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
        Problem(f"{where}.images", f"there is no image {image!r}", nearest(image, known.names))
        for image in sorted(set(named) - set(known.names))
    ]
    names = classifier.names_of_classes(known)
    if names is None:
        return problems
    classes = ("predicted", "label", *names)
    problems += _check_outputs(where, explanation, names)
    return problems + [
        Problem(
            f"{where}.nodes.{number}.of",
            f"there is no class {node.of!r}",
            nearest(node.of, names),
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
