"""Everything that can be found wrong before the first job starts, in one list."""

from pathlib import Path
from typing import Any

from prediction_difference.config import Config, inspect_config, model
from prediction_difference.data import sources
from prediction_difference.errors import ConfigError, Problem


def checked_config(raw: Any) -> Config:
    """Check a configuration, as read from YAML, and look at every file that it names.

    Raises:
        ConfigError: all problems together: file, key or subject, what is wrong, how to mend it.
    """
    parts, problems = inspect_config(raw)
    for name, dataset in parts.get("datasets", {}).items():
        problems += sources.check(dataset, name)
    for name, classifier in parts.get("classifiers", {}).items():
        problems += _check_classifier(f"classifiers.{name}", classifier)
    if problems:
        raise ConfigError(problems)
    return Config(**parts)


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
