"""Which images of a source are taken: listed ones, or as many as are asked for, with a seed."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prediction_difference import randomness
from prediction_difference.data.dataset import UNLABELLED
from prediction_difference.data.folders import Collection
from prediction_difference.data.sources.photographs import Photographs
from prediction_difference.data.text_lists import read_lines
from prediction_difference.errors import ConfigError, Problem

_SHOWN = 5


def draw(names: Sequence[str], count: int, seed: int, dataset: str) -> np.ndarray:
    """Positions of so many of the names, drawn without replacement, in their order.

    Each name has a chance number of its own, which belongs to (seed, dataset, name), and the
    lowest are drawn. So a larger draw holds the smaller ones, and names that come or go elsewhere
    change nothing but their own place.
    """
    # As bytes, since names that are no text are told as a problem, later.
    raw = [name.encode(errors="surrogateescape") for name in names]
    order = sorted(range(len(raw)), key=lambda i: randomness.key(seed, "draw", dataset, raw[i]))
    return np.array(sorted(order[:count]), dtype=np.int64)


def choose(collection: Collection, settings: Photographs, name: str, seed: int) -> Collection:
    """The images that the settings ask for: listed ones, and of these a draw.

    Raises:
        ConfigError: a listed file is not there, or there are fewer images than are to be drawn.
        DataError: the list of files cannot be read.
    """
    where = f"datasets.{name}"
    if settings.files is not None:
        collection = collection.take(_listed(collection, settings.files, f"{where}.files"))
    if settings.images is not None:
        what = f"{settings.images} images are asked for, there are {len(collection.files)}"
        _refuse_few(settings.images, len(collection.files), f"{where}.images", what)
        chosen = draw(collection.names, settings.images, seed, name)
        return collection.take(chosen)
    if settings.per_class is not None:
        chosen = _of_each_class(collection, settings.per_class, name, seed)
        return collection.take(chosen)
    return collection


def _refuse_few(asked: int, count: int, where: str, what: str) -> None:
    if asked > count:
        raise ConfigError([Problem(where, what, f"set it to {count} or less, or add images")])


def _listed(collection: Collection, files: Path | tuple[str, ...], where: str) -> np.ndarray:
    """Positions of the images that a list names, in the order of the folder."""
    entries = [line for line in read_lines(files) if line] if isinstance(files, Path) else files
    # A whole file name goes before another file's name without its suffix.
    positions = {name: index for index, name in enumerate(collection.names)}
    positions |= {file: index for index, file in enumerate(collection.files)}
    missing = [entry for entry in dict.fromkeys(entries) if entry not in positions]
    problems = [
        Problem(where, f"there is no {entry!r} in {collection.root}", _nearest(entry, positions))
        for entry in missing[:_SHOWN]
    ]
    if missing[_SHOWN:]:
        what = f"{len(missing) - _SHOWN} more files of the list are not there"
        problems.append(Problem(where, what, "correct the list, or root"))
    if not entries:
        problems.append(Problem(where, f"{files} lists no file", "write one a line"))
    if problems:
        raise ConfigError(problems)
    return np.array(sorted({positions[entry] for entry in entries}), dtype=np.int64)


def _nearest(entry: str, known: Sequence[str] | dict[str, int]) -> str:
    near = difflib.get_close_matches(entry, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "name it as it lies below this folder"


def _of_each_class(collection: Collection, count: int, name: str, seed: int) -> np.ndarray:
    where = f"datasets.{name}.per_class"
    labels = collection.labels
    if (labels == UNLABELLED).all():
        problem = Problem(where, "the images have no classes", "set images in place of it")
        raise ConfigError([problem])
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    fewest = min(classes, key=len)
    what = f"{count} images of each class are asked for, "
    what += f"{collection.class_names[labels[fewest[0]]]} has {len(fewest)}"
    _refuse_few(count, len(fewest), where, what)
    drawn = [
        members[draw([collection.names[i] for i in members], count, seed, name)]
        for members in classes
    ]
    return np.sort(np.concatenate(drawn))
