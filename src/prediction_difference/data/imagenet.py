"""ImageNet (ILSVRC) as it lies on a machine: by class or flat, its labels in network order."""

from pathlib import Path

import numpy as np

from prediction_difference.data.class_names import WORDNET_ID, ClassList, read_class_names
from prediction_difference.data.dataset import UNLABELLED
from prediction_difference.data.folders import (
    Collection,
    Folder,
    check_classes,
    default_root,
    no_images,
    scan,
)
from prediction_difference.data.ground_truth import read_ground_truth
from prediction_difference.data.sources.imagenet import ImageNet
from prediction_difference.errors import DataError, Problem

CLASSES = "synset_words.txt"
_PLACES = ("imagenet", "imagenet_sample")
_PARTS = ("train", "val")
_LAYOUTS = "subfolders by WordNet id (n01440764), images in one folder, or either in train or val"


def find(settings: ImageNet, where: str) -> tuple[Collection, list[Problem]]:
    """All images with their classes, and problems of the folder.

    Raises:
        DataError: the folder has no layout, or more than one; or its labels cannot be told.
        OSError: it cannot be searched.
    """
    root = _root(settings, where)
    folder = _folder_of_images(root, where)
    file = _file_of_classes(settings, (root, folder.root))
    classes = None if file is None else read_class_names(file)
    problems = [] if folder.flat else list(check_classes(folder))
    layout, ids = _wordnet_ids(folder, settings, where)
    truth = None if settings.ground_truth is None else settings.ground_truth
    labels = np.full(len(folder.files), UNLABELLED)
    if truth is not None:
        labels = read_ground_truth(truth, folder.files, _known(classes, where))
    elif ids:
        labels = _known(classes, where).numbers(ids, folder.root)
    lists = [path for path in (file, truth) if path is not None]
    facts = {"layout": layout, "folder": folder.root.relative_to(root).as_posix()}
    names = () if classes is None else classes.names
    return Collection(folder.root, folder.files, labels, names, tuple(lists), facts), problems


def _root(settings: ImageNet, where: str) -> Path:
    if settings.root is not None:
        return settings.root
    places = [default_root() / place for place in _PLACES]
    root = next((place for place in places if place.is_dir()), None)
    if root is None:
        what = f"there is no {' or '.join(map(str, places))}, and ImageNet cannot be downloaded"
        raise DataError(f"{where}.root", what, "get it from image-net.org, and set root")
    return root


# --- layouts ----------------------------------------------------------------------------------


def _folder_of_images(root: Path, where: str) -> Folder:
    """The folder itself, or the one of its parts that holds images."""
    folder = _only_classes(scan(root, f"{where}.root"))
    if folder.flat or folder.classes:
        return folder
    parts = [
        _only_classes(scan(root / part, f"{where}.root"))
        for part in _PARTS
        if (root / part).is_dir()
    ]
    found = [part for part in parts if part.flat or part.classes]
    if not found:
        problem = no_images(root, f"set root to a folder with {_LAYOUTS}")
        raise DataError(problem.where, problem.what, problem.remedy)
    if len(found) > 1:
        names = " and ".join(part.root.name for part in found)
        raise DataError(root, f"images lie in {names}", "set root to one of these")
    return found[0]


def _only_classes(folder: Folder) -> Folder:
    """Without subfolders of other things, which may lie beside images or classes."""
    named = {name: p for name, p in folder.classes.items() if WORDNET_ID.fullmatch(name)}
    others = [name for name, p in folder.classes.items() if p and name not in named]
    if folder.flat and any(named.values()):
        what = f"images lie both in the folder ({folder.flat[0]}) and in subfolders by class"
        raise DataError(folder.root, what, "set root to a folder that has one of both")
    if named and others:
        what = f"{', '.join(others[:5])} beside subfolders by class hold images, too"
        raise DataError(folder.root, what, "name them by their WordNet ids, or move them away")
    return Folder(folder.root, folder.flat, {} if folder.flat else named)


def _wordnet_ids(folder: Folder, settings: ImageNet, where: str) -> tuple[str, list[str]]:
    """The layout in words, and the images' WordNet ids where folders or file names tell them."""
    if not folder.flat:
        if settings.ground_truth is not None:
            what = f"{folder.root} is by class, so that labels are known"
            raise DataError(f"{where}.ground_truth", what, "remove the key")
        return "by class", [file.partition("/")[0] for file in folder.files]
    if settings.ground_truth is not None:
        return "flat, classes from ground_truth", []
    matches = [WORDNET_ID.match(file) for file in folder.flat]
    if all(match is None for match in matches):
        return "flat, without classes", []
    if None in matches:
        without = folder.flat[matches.index(None)]
        what = f"{without} does not begin with a WordNet id, as other files do"
        raise DataError(folder.root, what, "rename it, or set ground_truth")
    return "flat, classes from file names", [match[0] for match in matches if match is not None]


# --- classes ----------------------------------------------------------------------------------


def _file_of_classes(settings: ImageNet, folders: tuple[Path, ...]) -> Path | None:
    if settings.class_names is not None:
        return settings.class_names
    return next((f / CLASSES for f in folders if (f / CLASSES).is_file()), None)


def _known(classes: ClassList | None, where: str) -> ClassList:
    if classes is None:
        what = f"the order of the classes is not known, there is no {CLASSES} in root"
        remedy = "set it to a file with the 1000 classes in network order, as n01440764 tench"
        raise DataError(f"{where}.class_names", what, remedy)
    return classes
