"""Fetching known data sets: what arrives is checked, unpacked, and only then put in its place."""

import http.client
import shutil
import tempfile
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from prediction_difference.data.archives import unpack
from prediction_difference.data.checksums import md5
from prediction_difference.errors import DataError
from prediction_difference.files import raise_if_unwritable, sha256
from prediction_difference.progress import say

_SECONDS = 60
"""Without an answer, after which a server counts as away."""
_MD5_DIGITS = 32


@dataclass(frozen=True)
class Resource:
    """A file on the network.

    addresses: the same file, tried one after the other. checksum: its SHA-256; of a few, which are
    published so, its MD5. place: where it goes, relative to the data set's folder; an archive is
    unpacked there. renamed: a file or folder in it -> what it is to be called.
    """

    addresses: tuple[str, ...]
    checksum: str
    place: str = ""
    is_archive: bool = True
    renamed: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        return PurePosixPath(urlparse(self.addresses[0]).path).name


def download(
    source: str, root: Path, entries: Iterable[str], resources: Sequence[Resource]
) -> None:
    """Fetch files into an empty folder, and move what is asked for from there to `root`.

    A killed job, or a second one, leaves no half of a file.

    Raises:
        DataError: the download fails, a file is another than it should be, or an archive has
            members that do not belong into its folder.
        StoreError: the disk is full, or the folder cannot be written.
    """
    say(f"downloading {source} to {root}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder:
            for resource in resources:
                _fetch(resource, Path(folder))
            for entry in entries:
                (root / entry).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / entry).replace(root / entry)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError):
            raise_if_unwritable(error, root)
        what = f"{source} cannot be downloaded ({' '.join(str(error).split())})"
        remedy = "see that the network works and that this folder can be written, or copy the files"
        raise DataError(root, what, f"{remedy} there by hand") from error


def _fetch(resource: Resource, folder: Path) -> None:
    place = folder / resource.place
    place.mkdir(parents=True, exist_ok=True)
    file = place / resource.name
    for number, address in enumerate(resource.addresses, start=1):
        try:
            _copy(address, file)
            break
        except (OSError, http.client.HTTPException):
            if number == len(resource.addresses):
                raise
    _refuse_another(resource, file)
    if resource.is_archive:
        unpack(file, place)
        file.unlink()
    if resource.renamed is not None:
        before, after = resource.renamed
        (place / before).rename(place / after)


def _copy(address: str, file: Path) -> None:
    if urlparse(address).scheme not in ("http", "https"):
        raise OSError(f"{address} is no address of the web")
    with (
        urllib.request.urlopen(address, timeout=_SECONDS) as answer,
        file.open("wb") as target,
    ):
        shutil.copyfileobj(answer, target, 2**20)
        expected = answer.headers.get("Content-Length")
    if expected is not None and file.stat().st_size != int(expected):
        raise OSError(f"{address} breaks off")


def _refuse_another(resource: Resource, file: Path) -> None:
    """See that a file has the checksum that it is known by."""
    is_md5 = len(resource.checksum) == _MD5_DIGITS
    found = md5(file) if is_md5 else sha256(file)
    if found != resource.checksum:
        what = f"another file than expected has arrived: its {'MD5' if is_md5 else 'SHA-256'} is "
        what += found
        remedy = "try again later, or copy the files to the folder of the data set by hand"
        raise DataError(resource.addresses[0], what, remedy)
