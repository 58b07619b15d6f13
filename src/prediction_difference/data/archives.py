"""Unpacking archives of strangers: only files and folders, and only inside of one folder."""

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from prediction_difference.errors import DataError

_REMEDY = "get it again from where it is published"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar (also a packed one) or zip archive into a folder.

    Owners, times and permissions in the archive do not count.

    Raises:
        DataError: it is damaged, or has a member that is a link, a device or outside the folder.
    """
    with _told(archive):
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, folder)
        else:
            _unpack_tar(archive, folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as content:
        for member in content:
            place = _place(archive, member.name, folder)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
            elif member.isreg():
                _write(content.extractfile(member), place)
            else:
                raise _refused(archive, member.name, "is a link or a device")


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        for member in content.infolist():
            place = _place(archive, member.filename, folder)
            mode = member.external_attr >> 16
            if member.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                with content.open(member) as source:
                    _write(source, place)
            else:
                raise _refused(archive, member.filename, "is a link or a device")


def _place(archive: Path, name: str, folder: Path) -> Path:
    """Where a member goes; only new files are written, so no link is ever followed."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name:
        raise _refused(archive, name, "lies outside of the folder that it is unpacked to")
    return folder / path


def _write(source: IO[bytes] | None, place: Path) -> None:
    assert source is not None
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as target:
        shutil.copyfileobj(source, target)


def _refused(archive: Path, name: str, what: str) -> DataError:
    return DataError(archive, f"is not unpacked: {name!r} in it {what}", _REMEDY)


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise DataError(archive, f"holds a file twice ({error.filename})", _REMEDY) from error
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise DataError(archive, f"breaks off or is damaged ({error})", _REMEDY) from error
