"""Photographs that torchvision knows by name: MIT Places, SUN397, Imagenette.

torchvision's own classes find the files and tell their labels; reading, scaling and choosing are
those of all photographs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data import resources
from prediction_difference.data.dataset import UNLABELLED
from prediction_difference.data.downloads import download
from prediction_difference.data.folders import Collection, default_root, no_images
from prediction_difference.data.sources.imagenette import Imagenette
from prediction_difference.data.sources.photographs import KnownPhotographs
from prediction_difference.data.sources.places365 import Places365
from prediction_difference.data.sources.sun397 import SUN397
from prediction_difference.errors import DataError, Problem

_CATEGORY = slice(3, None)
"""Of the scenes' names: without the letter in front, as in /a/abbey."""


def find(settings: KnownPhotographs, where: str) -> tuple[Collection, list[Problem]]:
    """All photographs of a part with their classes.

    Raises:
        DataError: the files are not there, or torchvision finds them damaged.
    """
    root = root_of(settings)
    missing = _missing(settings, root)
    if missing:
        what = f"{settings.source} is not in {root}: {', '.join(missing)} missing"
        remedy = f"set download: true, or root to the folder that holds {missing[0]}"
        raise DataError(f"{where}.root", what, remedy)
    try:
        opened = _open(settings, root)
    # A list that breaks off makes torchvision raise ValueError and KeyError, too.
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        what = f"the files of {settings.source} are damaged ({' '.join(str(error).split())})"
        raise DataError(root, what, "remove them and set download: true") from error
    files, labels, names = _listed(settings, opened)
    folder = _folder_of_images(settings, root)
    relative = [Path(file).relative_to(folder).as_posix() for file in files]
    order = sorted(range(len(files)), key=relative.__getitem__)
    collection = Collection(
        folder,
        tuple(relative[i] for i in order),
        np.array([labels[i] for i in order], dtype=np.int64),
        names,
        _lists(settings, root),
    )
    return collection, [] if files else [no_images(folder, "remove it and set download: true")]


def is_to_download(settings: KnownPhotographs) -> bool:
    """Whether something is missing, and is to be fetched."""
    return settings.download and bool(_missing(settings, root_of(settings)))


def fetch(settings: KnownPhotographs) -> None:
    """Download a part.

    Raises:
        DataError: the download fails.
    """
    root = root_of(settings)
    download(settings.source, root, _missing(settings, root), resources.of_photographs(settings))


def root_of(settings: KnownPhotographs) -> Path:
    """The folder that torchvision calls root."""
    if settings.root is not None:
        return settings.root
    # Unlike the others, Places has no folder of its own.
    own = "places365" if isinstance(settings, Places365) else ""
    return default_root() / own


def _entries(settings: KnownPhotographs) -> tuple[str, ...]:
    """Files and folders that torchvision reads, relative to root; the last has the images."""
    match settings:
        case Places365(part=part, small=small):
            kind = "challenge" if part == "train-challenge" else "standard"
            size = "256" if small else "large"
            folder = f"data_{size}_{kind}" if part.startswith("train") else f"{part}_{size}"
            return ("categories_places365.txt", f"places365_{part.replace('-', '_')}.txt", folder)
        case Imagenette(resolution=resolution):
            return (f"imagenette2{'' if resolution == 'full' else f'-{resolution[:-2]}'}",)
        case _:
            return ("SUN397",)


def _missing(settings: KnownPhotographs, root: Path) -> list[str]:
    return [entry for entry in _entries(settings) if not (root / entry).exists()]


def _folder_of_images(settings: KnownPhotographs, root: Path) -> Path:
    folder = root / _entries(settings)[-1]
    return folder / settings.part if isinstance(settings, Imagenette) else folder


def _lists(settings: KnownPhotographs, root: Path) -> tuple[Path, ...]:
    """Files that tell of the images."""
    *lists, folder = (root / entry for entry in _entries(settings))
    if isinstance(settings, SUN397):
        lists.append(folder / "ClassName.txt")
    return tuple(lists)


def _open(settings: KnownPhotographs, root: Path) -> Any:
    """One of torchvision's data set objects."""
    from torchvision import datasets

    match settings:
        case Places365(part=part, small=small):
            return datasets.Places365(root, part, small)
        case Imagenette(part=part, resolution=resolution):
            return datasets.Imagenette(root, part, resolution)
        case _:
            return datasets.SUN397(root)


def _listed(
    settings: KnownPhotographs, opened: Any
) -> tuple[Sequence[Any], Sequence[int], tuple[str, ...]]:
    """Paths of the images, their labels, and the names of the classes in their order."""
    match settings:
        case Places365():
            classes = sorted(opened.class_to_idx, key=opened.class_to_idx.get)
            files = [file for file, _ in opened.imgs]
            labels = [UNLABELLED if label is None else label for label in opened.targets]
            return files, labels, tuple(name[_CATEGORY] for name in classes)
        case Imagenette():
            files, labels = ([sample[n] for sample in opened._samples] for n in (0, 1))
            # The first of a class' names, as lists of ImageNet's classes are read.
            return files, labels, tuple(names[0] for names in opened.classes)
        case _:
            return opened._image_files, opened._labels, tuple(opened.classes)
