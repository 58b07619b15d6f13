"""Which photographs lie in a folder, directly and by subfolder."""

import os
from collections import defaultdict
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
    """Images directly in a folder, and those in its subfolders, sorted by name."""

    root: Path
    flat: tuple[Path, ...]
    classes: Mapping[str, tuple[Path, ...]]

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """All images; a layout has them all flat or all in subfolders."""
        return (*self.flat, *(path for paths in self.classes.values() for path in paths))

    def relative(self, path: Path) -> str:
        """A path below the folder as text."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class Collection:
    """Photographs that were found, with what is known of them before they are opened.

    labels: (n,) class numbers, -1 where unknown. lists: other files that tell of them.
    """

    root: Path
    paths: tuple[Path, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    lists: tuple[Path, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of the images relative to root."""
        return tuple(path.relative_to(self.root).as_posix() for path in self.paths)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the images: relative to root, without suffix."""
        return tuple(file.removesuffix(Path(file).suffix) for file in self.files)

    def take(self, chosen: np.ndarray) -> "Collection":
        """The images at these positions (m,)."""
        paths = tuple(self.paths[index] for index in chosen)
        return replace(self, paths=paths, labels=self.labels[chosen])


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
    classes = {folder.name: images_in(folder) for folder in folders_in(root)}
    return Folder(root, images_in(root), classes)


def images_in(folder: Path) -> tuple[Path, ...]:
    """Images directly in a folder, sorted by name."""
    with os.scandir(folder) as entries:
        images = [e.name for e in entries if _has_suffix(e.name) and e.is_file()]
    return tuple(folder / name for name in sorted(images))


def folders_in(folder: Path) -> list[Path]:
    """Subfolders, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted(folder / e.name for e in entries if e.is_dir() and e.name[0] != ".")


def _has_suffix(name: str) -> bool:
    return name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122


def no_images(root: Path, remedy: str = "add images, or correct root") -> Problem:
    """That a folder holds none."""
    return Problem(str(root), f"there is no image in it ({' '.join(sorted(SUFFIXES))})", remedy)


def check_classes(folder: Folder) -> Iterator[Problem]:
    """Subfolders without images."""
    for name, paths in folder.classes.items():
        if not paths:
            where = str(folder.root / name)
            yield Problem(where, "this class has no image", "add images, or remove the folder")


def check_names(collection: Collection) -> Iterator[Problem]:
    """Names that are no text, or that two images would have."""
    files: dict[str, list[str]] = defaultdict(list)
    for path, name in zip(collection.paths, collection.names, strict=True):
        files[name].append(path.name)
        if not _is_unicode(name):
            yield Problem(ascii(str(path)), "the file's name is not UTF-8", "rename it")
    for name, same in files.items():
        if len(same) > 1:
            where = str(collection.root / name)
            what = f"{' and '.join(same)} would be two images of one name"
            yield Problem(where, what, "rename or remove one")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
