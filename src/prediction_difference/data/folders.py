"""Which photographs lie in a folder, directly and by subfolder."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data.pixels import SUFFIXES
from prediction_difference.errors import DataError, Problem


@dataclass(frozen=True)
class Folder:
    """Images directly in a folder, and those in its subfolders, relative to it, sorted by name.

    Texts, since a path object for each of a million files takes a minute.
    """

    root: Path
    flat: tuple[str, ...]
    classes: Mapping[str, tuple[str, ...]]

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All images; a layout has them all flat or all in subfolders."""
        return (*self.flat, *(file for files in self.classes.values() for file in files))


@dataclass(frozen=True)
class Collection:
    """Photographs that were found, with what is known of them before they are opened.

    files: n names relative to root. labels: (n,) class numbers, -1 where unknown. lists: other
    files that tell of them. split: the split of each, where the source has one of its own.
    """

    root: Path
    files: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    lists: tuple[Path, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    split: tuple[str, ...] = ()

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Where the images are."""
        return tuple(self.root / file for file in self.files)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the images: relative to root, without suffix."""
        return tuple(without_suffix(file) for file in self.files)

    def take(self, chosen: np.ndarray) -> "Collection":
        """The images at these positions (m,)."""
        files = tuple(self.files[index] for index in chosen)
        split = tuple(self.split[index] for index in chosen) if self.split else ()
        return replace(self, files=files, labels=self.labels[chosen], split=split)


def without_suffix(file: str) -> str:
    """The name of a file without its last suffix."""
    return os.path.splitext(file)[0]  # noqa: PTH122


def default_root() -> Path:
    """Where known data sets lie: $PDA_DATA, or a folder in the user's cache."""
    return Path(os.environ.get("PDA_DATA") or "~/.cache/prediction-difference").expanduser()


def scan(root: Path, where: str) -> Folder:
    """Find images and subfolders; hidden ones do not count.

    Raises:
        DataError: root, which the key `where` names, is no folder.
        OSError: it cannot be searched.
    """
    if not root.is_dir():
        what = f"{root} is not a folder" if root.exists() else f"{root} does not exist"
        raise DataError(where, what, "correct the path")
    subfolders = folders_in(root)
    classes = {
        name: tuple(f"{name}/{file}" for file in images_in(root / name)) for name in subfolders
    }
    return Folder(root, images_in(root), classes)


def images_in(folder: Path) -> tuple[str, ...]:
    """Names of the images directly in a folder, sorted."""
    with os.scandir(folder) as entries:
        return tuple(sorted(e.name for e in entries if _is_image(e.name) and e.is_file()))


def folders_in(folder: Path) -> tuple[str, ...]:
    """Names of the subfolders, sorted."""
    with os.scandir(folder) as entries:
        return tuple(sorted(e.name for e in entries if e.name[0] != "." and e.is_dir()))


def _is_image(name: str) -> bool:
    return name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122


def no_images(root: Path, remedy: str = "add images, or correct root") -> Problem:
    """That a folder holds none."""
    return Problem(str(root), f"there is no image in it ({' '.join(sorted(SUFFIXES))})", remedy)


def check_classes(folder: Folder) -> Iterator[Problem]:
    """Subfolders without images."""
    for name, files in folder.classes.items():
        if not files:
            where = str(folder.root / name)
            yield Problem(where, "this class has no image", "add images, or remove the folder")


def check_names(collection: Collection) -> Iterator[Problem]:
    """Names that are no text, or that two images would have."""
    count = Counter(collection.names)
    for file, name in zip(collection.files, collection.names, strict=True):
        if not _is_unicode(name):
            yield Problem(
                ascii(str(collection.root / file)), "the file's name is not UTF-8", "rename it"
            )
    for name in (name for name, times in count.items() if times > 1):
        same = [Path(file).name for file in collection.files if without_suffix(file) == name]
        what = f"{' and '.join(same)} would be two images of one name"
        yield Problem(str(collection.root / name), what, "rename or remove one")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
