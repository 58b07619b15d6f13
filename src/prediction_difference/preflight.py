"""Everything that can be found wrong before the first job starts, in one list."""

from pathlib import Path

from prediction_difference.config import Config, model, read_config
from prediction_difference.data import sources
from prediction_difference.errors import ConfigError, Problem


def read_checked_config(path: Path) -> Config:
    """Read a configuration and look at the files that it names.

    Raises:
        ConfigError: all problems, of the configuration or, where that is right, of the files.
    """
    config = read_config(path)
    check_files(config)
    return config


def check_files(config: Config) -> None:
    """Look at every file that a configuration names.

    Raises:
        ConfigError: all problems: file or subject, what is wrong, how to mend it.
    """
    problems: list[Problem] = []
    for name, dataset in config.datasets.items():
        problems += sources.check(dataset, name)
    for name, classifier in config.classifiers.items():
        problems += _check_classifier(f"classifiers.{name}", classifier)
    if problems:
        raise ConfigError(problems)


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
