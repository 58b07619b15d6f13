"""Setting images apart, class by class, with a seed."""

import numpy as np

from prediction_difference import randomness
from prediction_difference.config import model
from prediction_difference.data.dataset import TEST, TRAIN
from prediction_difference.errors import DataError


def assign_splits(
    labels: np.ndarray, settings: model.Split, seed: int, where: str
) -> tuple[str, ...]:
    """(n,) labels -> n names of splits: train and test, or fold-00, fold-01, ...

    Without test_fraction and folds, every image is held out ("test").

    Raises:
        DataError: a class is too small for the number of folds or for the test fraction.
    """
    if settings.folds is None and settings.test_fraction is None:
        return (TEST,) * len(labels)
    generator = randomness.generator(randomness.key(seed, "splits", where))
    split = np.empty(len(labels), dtype=object)
    dealt = 0
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        if settings.folds is not None:
            _refuse_small_class(where, label, len(members), settings.folds)
            # Each class goes on dealing where the last one stopped, so that folds have equal sizes.
            numbers = (np.arange(len(members)) + dealt) % settings.folds
            split[members] = [f"fold-{number:02d}" for number in numbers]
            dealt += len(members)
        else:
            _refuse_small_class(where, label, len(members), 2)
            tests = round(len(members) * float(settings.test_fraction or 0))
            tests = min(max(tests, 1), len(members) - 1)
            split[members] = TRAIN
            split[members[:tests]] = TEST
    return tuple(split.tolist())


def _refuse_small_class(where: str, label: int, count: int, needed: int) -> None:
    if count < needed:
        what = "images without a class" if label < 0 else f"class number {label}"
        raise DataError(
            where,
            f"{what}: {count} image(s), but {needed} parts are asked for",
            "lower folds or leave test_fraction out, or add images",
        )
