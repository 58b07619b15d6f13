"""Files that kinds of classifiers name, and networks without weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from prediction_difference.data.class_names import read_class_names
from prediction_difference.errors import DataError, Problem

if TYPE_CHECKING:
    from torch import nn

_INITIALISED = ("googlenet", "inception_v3")
"""Models whose random weights take long to draw."""


def check_weights(where: str, file: Path) -> list[Problem]:
    """Whether the file of weights is there."""
    if file.is_file():
        return []
    return [Problem(f"{where}.weights", f"there is no file {file}", "correct the path")]


def check_class_names(where: str, file: Path | None) -> list[Problem]:
    """Whether the file with the names of classes is there, and what it should be."""
    if file is None:
        return []
    if not file.is_file():
        return [Problem(f"{where}.class_names", f"there is no file {file}", "correct the path")]
    try:
        read_class_names(file)
    except DataError as error:
        return [error.problem]
    return []


def named_classes(file: Path | None) -> tuple[str, ...] | None:
    """Names of classes in a file; None where there is none, or it is damaged."""
    if file is None:
        return None
    try:
        return read_class_names(file).names
    except DataError:
        return None


def empty_torchvision(model: str) -> "nn.Module":
    """A network of torchvision's by its name, without weights."""
    import torchvision

    options = {"init_weights": False} if model in _INITIALISED else {}
    made: nn.Module = torchvision.models.get_model(model, weights=None, **options)
    return made
