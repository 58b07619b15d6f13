"""CIFAR-10 as JPEG files, <split>/<class>/<name>.jpg, in a folder or in a packed one.

Such copies are lossy: their pixels are not those of the original batches.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from prediction_difference.data.dataset import TEST, TRAIN
from prediction_difference.errors import DataError, Problem
from prediction_difference.files import sha256
from prediction_difference.progress import track

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
EXAMPLE = "cifar10*.tar.gz or cifar10/ with train/<class>/*.jpg and test/<class>/*.jpg"
_PER_CLASS = {TRAIN: 5000, TEST: 1000}
_ARCHIVES = ("cifar10*.tar.gz", "cifar10*.tgz", "CIFAR-10-images*.tar.gz")
_FOLDERS = ("cifar10", "CIFAR-10-images*")
_SUFFIXES = frozenset({".jpg", ".jpeg"})
_SIDE = 32
_LARGEST_FILE = 2**16
_REMEDY = "get it again, or set download: true for the original files"


@dataclass(frozen=True)
class Pictures:
    """The pictures of a split, packed: n names, <split>/<class>/<name>, sorted, and contents."""

    place: Path
    names: tuple[str, ...]
    contents: tuple[bytes, ...]

    def take(self, chosen: np.ndarray) -> "Pictures":
        """The pictures at these positions (m,)."""
        names, contents = (tuple(all[i] for i in chosen) for all in (self.names, self.contents))
        return Pictures(self.place, names, contents)

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64, numbers of the classes."""
        return np.array([CLASSES.index(name.split("/")[1]) for name in self.names], dtype=np.int64)

    def pixels(self) -> np.ndarray:
        """(n, 3, 32, 32) uint8.

        Raises:
            DataError: a picture is no JPEG of this size.
        """
        found = np.empty((len(self.names), 3, _SIDE, _SIDE), dtype=np.uint8)
        for index, content in enumerate(track(self.contents, f"reading {self.place.name}")):
            found[index] = _decoded(content, f"{self.place}: {self.names[index]}")
        return found


def find(root: Path) -> Path | None:
    """The folder or the archive below `root`, or none; a folder goes first."""
    folders = [path for pattern in _FOLDERS for path in sorted(root.glob(pattern))]
    for place in (*folders, root):
        if all((place / split / CLASSES[0]).is_dir() for split in _PER_CLASS):
            return place
    packed = [
        path
        for place in (root / "cifar10", root)
        for pattern in _ARCHIVES
        for path in sorted(place.glob(pattern))
    ]
    return next((path for path in packed if path.is_file()), None)


def check(place: Path) -> list[Problem]:
    """That an archive breaks off, which its checksum tells; what is in it only reading does."""
    if place.is_dir():
        return []
    try:
        with gzip.open(place) as content:
            while content.read(2**20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return [_damaged(place, error).problem]
    return []


def read(place: Path) -> dict[str, Pictures]:
    """All pictures of a folder or an archive, by split; nothing is unpacked to the disk.

    Raises:
        DataError: it is damaged or incomplete.
    """
    files = _files_in_folder(place) if place.is_dir() else _files_in_archive(place)
    _refuse_incomplete(files, place)
    found = {}
    for split in _PER_CLASS:
        names = tuple(sorted(name for name in files if name.startswith(f"{split}/")))
        found[split] = Pictures(place, names, tuple(files[name] for name in names))
    return found


def checksums(place: Path, root: Path) -> dict[str, str]:
    """SHA-256 of the archive, or of the names and contents of every class folder."""
    if place.is_file():
        return {place.relative_to(root).as_posix(): sha256(place)}
    sums = {f"{split}/{name}": hashlib.sha256() for split in sorted(_PER_CLASS) for name in CLASSES}
    for file, content in sorted(_files_in_folder(place).items()):
        folder = sums[file.rpartition("/")[0]]
        folder.update(file.encode() + b"\0" + hashlib.sha256(content).digest())
    return {
        (place / folder).relative_to(root).as_posix(): found.hexdigest()
        for folder, found in sums.items()
    }


# --- files ------------------------------------------------------------------------------------


def _name(path: str) -> str | None:
    """<split>/<class>/<file> at the end of a path; None for files that are no pictures."""
    parts = PurePosixPath(path).parts[-3:]
    is_picture = (
        len(parts) == 3
        and parts[0] in _PER_CLASS
        and parts[1] in CLASSES
        and PurePosixPath(path).suffix.lower() in _SUFFIXES
    )
    return "/".join(parts) if is_picture else None


def _files_in_folder(place: Path) -> dict[str, bytes]:
    found = {}
    for split in _PER_CLASS:
        for path in (place / split).glob("*/*"):
            name = _name(path.as_posix())
            if name is not None and path.is_file():
                found[name] = path.read_bytes()
    return found


def _files_in_archive(place: Path) -> dict[str, bytes]:
    found = {}
    try:
        with tarfile.open(place, "r|gz") as archive:
            for member in archive:
                name = _name(member.name)
                if name is None or not member.isreg():
                    continue
                if member.size > _LARGEST_FILE:
                    raise _no_picture(f"{place}: {name}", f"it has {member.size} bytes")
                content = archive.extractfile(member)
                assert content is not None
                found[name] = content.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _damaged(place, error) from error
    return found


def _refuse_incomplete(files: Mapping[str, bytes], place: Path) -> None:
    counts = Counter(name.rpartition("/")[0] for name in files)
    wrong = [
        f"{counts[f'{split}/{name}']} of {count} in {split}/{name}"
        for split, count in _PER_CLASS.items()
        for name in CLASSES
        if counts[f"{split}/{name}"] != count
    ]
    if wrong:
        few = ", ".join(wrong[:3]) + (", ..." if wrong[3:] else "")
        raise DataError(place, f"is not all of CIFAR-10: it has {few}", _REMEDY)


def _damaged(place: Path, error: Exception) -> DataError:
    return DataError(place, f"breaks off or is damaged ({error})", _REMEDY)


def _no_picture(where: str, reason: object) -> DataError:
    return DataError(where, f"is no JPEG of {_SIDE} x {_SIDE} pixels ({reason})", _REMEDY)


def _decoded(content: bytes, where: str) -> np.ndarray:
    """Content of a JPEG -> (3, y, x) uint8."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            if image.size == (_SIDE, _SIDE):
                return np.asarray(image.convert("RGB")).transpose(2, 0, 1)
            reason = f"it has {image.height} x {image.width}"
    # Damaged files make Pillow raise nearly anything.
    except Exception as error:
        raise _no_picture(where, error) from error
    raise _no_picture(where, reason)
