"""Files and folders that are complete or absent: written beside their place, then renamed."""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prediction_difference.errors import StoreError

if TYPE_CHECKING:
    import numpy as np

DIGEST_LENGTH = 16
PARTIAL = ".partial"
"""How names end of what is being written, or was when its job was killed."""
_IN_FOLDERS = ("zarr.json", "manifest.sha256", "card.json", "card.sha256")
"""Names of files that stand for the folder in which they lie."""
_ATTEMPTS = 10
"""Of taking a place that other jobs take at the same time."""


def digest(*parts: bytes | str) -> str:
    """Hexadecimal SHA-256 of the parts, each delimited by its length, shortened to 16 digits."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        sha.update(len(raw).to_bytes(8, "little"))
        sha.update(raw)
    return sha.hexdigest()[:DIGEST_LENGTH]


def settings_digest(settings: Mapping[str, Any]) -> str:
    """Digest of JSON-like settings; the order of keys does not count."""
    return digest(json.dumps(settings, sort_keys=True, default=str))


def array_digest(arrays: Mapping[str, "np.ndarray"]) -> str:
    """Digest of names, types, shapes and contents of arrays."""
    import numpy as np

    parts: list[bytes | str] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        is_text = array.dtype.kind in "OUT"
        contents = json.dumps(array.tolist()).encode() if is_text else array.tobytes()
        kind = "text" if is_text else array.dtype.str
        parts += [name, kind, str(array.shape), contents]
    return digest(*parts)


@contextmanager
def publishing(path: Path, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    File or folder alike; what stood at `path` is replaced whole, or with `replace` False a folder
    that another job put there in the meantime is left as it is. After an error nothing is left; a
    job that is killed leaves the temporary path, whose name ends in `.partial`.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
    """
    temporary = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _take_place(temporary, path, replace)
    except OSError as error:
        raise_if_unwritable(error, path)
        raise
    finally:
        remove(temporary)


def _beside(path: Path) -> Path:
    """A new hidden name in the same folder, where renaming is atomic."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL}")


def _take_place(temporary: Path, path: Path, replace: bool) -> None:
    """Rename; a folder in the way is renamed first, so that it is never there in part."""
    for attempt in range(_ATTEMPTS):
        try:
            temporary.replace(path)
            return
        except OSError as error:
            is_in_the_way = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
            if is_in_the_way and not replace:
                return
            if not is_in_the_way or attempt == _ATTEMPTS - 1:
                raise
        _set_aside(path)


def _set_aside(path: Path) -> None:
    """Remove what is at a path; another job may do the same."""
    aside = _beside(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    remove(aside)


def raise_if_unwritable(error: OSError, path: Path) -> None:
    """Turn what the file system refuses to write into a message that says how to go on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise StoreError(
            path,
            "the disk is full",
            "free some space and start again; what was finished before is kept",
        ) from error
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        raise StoreError(
            path,
            f"cannot be written ({error.strerror})",
            "let this folder be written, or start in another one; what was finished is kept",
        ) from error


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        # Removing what is not there fails where nothing can be written.
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with publishing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON whole or not at all; NaN is refused, since it is not JSON."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def folder_of(path: Path) -> Path:
    """The folder of a store or classifier, given that folder or a file that stands for it."""
    return path.parent if path.name in _IN_FOLDERS else path


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def row_digests(rows: "np.ndarray") -> tuple[str, ...]:
    """(n, ...) values -> the digest of each of the n."""
    import numpy as np

    return tuple(digest(np.ascontiguousarray(row).tobytes()) for row in rows)
