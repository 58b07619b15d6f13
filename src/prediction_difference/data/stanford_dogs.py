"""Stanford Dogs, as its archives unpack: photographs by breed, and lists of its own split."""

from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data.dataset import TEST, TRAIN
from prediction_difference.data.folders import (
    Collection,
    check_classes,
    default_root,
    no_images,
    scan,
)
from prediction_difference.data.sources.stanford_dogs import StanfordDogs
from prediction_difference.errors import ConfigError, DataError, Problem

IMAGES = "Images"
LISTS = {TRAIN: "train_list.mat", TEST: "test_list.mat"}
_PLACES = ("", "lists")
"""Folders in which the lists may lie."""


def find(settings: StanfordDogs, where: str) -> tuple[Collection, list[Problem]]:
    """The photographs of the breeds, in the order in which these are named, and their split.

    Raises:
        ConfigError: a breed is not there.
        DataError: the folder or a list is not there, or a list is damaged.
        OSError: the folder cannot be searched.
    """
    root = settings.root or default_root() / "stanford_dogs"
    if not (root / IMAGES).is_dir():
        what = f"stanford-dogs is not in {root}: the folder {IMAGES} is missing"
        raise DataError(f"{where}.root", what, "set it to the folder with the unpacked archives")
    folder = scan(root / IMAGES, f"{where}.root")
    breeds = {breed_of(name): name for name in folder.classes}
    chosen = settings.breeds or tuple(breeds)
    missing = [breed for breed in chosen if breed not in breeds]
    if missing:
        few = ", ".join(list(breeds)[:5])
        what = f"there is no breed {missing[0]!r}"
        raise ConfigError([Problem(f"{where}.breeds", what, f"breeds are {few}, ...")])
    split_of, lists = _read_lists(root)
    files = [(file, n) for n, breed in enumerate(chosen) for file in folder.classes[breeds[breed]]]
    unlisted = [file for file, _ in files if file not in split_of]
    problems = [
        Problem(str(root / IMAGES / file), "is in no list", "remove it") for file in unlisted
    ]
    problems += [] if files else [no_images(root / IMAGES)]
    collection = Collection(
        root / IMAGES,
        tuple(file for file, _ in files),
        np.array([number for _, number in files], dtype=np.int64),
        tuple(chosen),
        lists,
        split=tuple(split_of.get(file, TEST) for file, _ in files),
    )
    return collection, [*problems, *check_classes(folder)]


def breed_of(folder: str) -> str:
    """n02085620-Chihuahua -> Chihuahua; underscores are spaces."""
    return folder.partition("-")[2].replace("_", " ")


def _read_lists(root: Path) -> tuple[dict[str, str], tuple[Path, ...]]:
    """Split of every file, and the lists that tell it."""
    split_of: dict[str, str] = {}
    lists = []
    for split, name in LISTS.items():
        path = next((p for place in _PLACES if (p := root / place / name).is_file()), None)
        if path is None:
            what = f"is not in {root}, nor in its folder lists"
            raise DataError(name, what, "unpack lists.tar, too")
        split_of |= dict.fromkeys(_read_list(path), split)
        lists.append(path)
    return split_of, tuple(lists)


def _read_list(path: Path) -> list[str]:
    import scipy.io

    try:
        content: Any = scipy.io.loadmat(path)["file_list"]
        return [str(np.ravel(entry)[0]) for entry in content.ravel()]
    except Exception as error:
        # scipy raises many kinds for files that break off or are none.
        reason = " ".join(str(error).split())
        raise DataError(
            path, f"is damaged or no list of files ({reason})", "unpack it again"
        ) from error
