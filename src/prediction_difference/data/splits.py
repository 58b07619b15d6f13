"""Setting images apart, class by class, with a seed."""

from collections.abc import Iterator

import numpy as np

from prediction_difference import randomness
from prediction_difference.data.dataset import TEST, TRAIN
from prediction_difference.data.source import Split
from prediction_difference.errors import DataError


def assign_splits(labels: np.ndarray, settings: Split, seed: int, where: str) -> tuple[str, ...]:
    """(n,) labels -> n names of splits: train and test, or fold-00, fold-01, ...

    Class by class; classes with fewer images than parts are dealt together, whatever the class.
    Without test_fraction and folds, every image is held out ("test").

    Raises:
        DataError: there are fewer images than parts.
    """
    if settings.folds is None and settings.test_fraction is None:
        return (TEST,) * len(labels)
    _refuse_few(where, "the dataset", len(labels), _parts(settings))
    generator = randomness.generator(randomness.key(seed, "splits", where))
    split = np.empty(len(labels), dtype=object)
    dealt = 0
    for group in _groups(labels, _parts(settings)):
        members = generator.permutation(group)
        if settings.folds is not None:
            # Each class goes on dealing where the last one stopped, so that folds have equal sizes.
            numbers = (np.arange(len(members)) + dealt) % settings.folds
            split[members] = [f"fold-{number:02d}" for number in numbers]
            dealt += len(members)
        else:
            tests = round(len(members) * float(settings.test_fraction or 0))
            tests = min(max(tests, 1), len(members) - 1)
            split[members] = TRAIN
            split[members[:tests]] = TEST
    return tuple(split.tolist())


def refuse_small_classes(labels: np.ndarray, settings: Split, where: str) -> None:
    """See that every part has images of every class, as a classifier needs that is trained.

    Raises:
        DataError: a class is too small for the number of folds or for the test fraction.
    """
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        what = "images without a class" if label < 0 else f"class number {label}"
        _refuse_few(where, what, int(count), _parts(settings))


def _parts(settings: Split) -> int:
    if settings.folds is not None:
        return settings.folds
    return 1 if settings.test_fraction is None else 2


def _groups(labels: np.ndarray, parts: int) -> Iterator[np.ndarray]:
    """Positions of the images of each class that is large enough, then of all others."""
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    yield from (members for members in classes if len(members) >= parts)
    small = [members for members in classes if len(members) < parts]
    if small:
        yield np.concatenate(small)


def _refuse_few(where: str, what: str, count: int, needed: int) -> None:
    if count < needed:
        raise DataError(
            where,
            f"{what}: {count} image(s), but {needed} parts are asked for",
            "lower folds or leave test_fraction out, or add images",
        )
