"""Fetching known data sets: what arrives is checked, unpacked, and only then put in its place."""

import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from prediction_difference.errors import DataError
from prediction_difference.files import raise_if_unwritable
from prediction_difference.progress import say

_SECONDS = 60
"""Without an answer, after which a server counts as away."""
_MD5_DIGITS = 32


@dataclass(frozen=True)
class Resource:
    """A file on the network.

    addresses: the same file, tried one after the other. checksum: its SHA-256; of a few, which are
    published so, its MD5. place: where it goes, relative to the data set's folder; a tar archive is
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
    except OSError as error:
        raise_if_unwritable(error, root)
        what = f"{source} cannot be downloaded ({' '.join(str(error).split())})"
        remedy = "see that the network works and that this folder can be written, or copy the files"
        raise DataError(root, what, f"{remedy} there by hand") from error


def _fetch(resource: Resource, folder: Path) -> None:
    place = folder / resource.place
    file = _retrieve(resource, place)
    if resource.is_archive:
        try:
            with tarfile.open(file) as archive:
                archive.extractall(place, filter="data")
        except tarfile.TarError as error:
            remedy = "get it again from where it is published"
            raise DataError(resource.addresses[0], f"is not unpacked ({error})", remedy) from error
        file.unlink()
    if resource.renamed is not None:
        before, after = resource.renamed
        (place / before).rename(place / after)


def _retrieve(resource: Resource, place: Path) -> Path:
    """The file, from the first address that has the right one."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(timeout=_SECONDS)
    is_md5 = len(resource.checksum) == _MD5_DIGITS
    known = f"md5:{resource.checksum}" if is_md5 else resource.checksum
    for number, address in enumerate(resource.addresses, start=1):
        try:
            return Path(pooch.retrieve(address, known, resource.name, place, downloader=downloader))
        # requests' own errors are of OSError.
        except OSError:
            if number == len(resource.addresses):
                raise
        except ValueError as error:
            if number == len(resource.addresses):
                what = f"another file than expected has arrived ({str(error).partition('. ')[0]})"
                remedy = "try again later, or copy the files to the folder of the data set by hand"
                raise DataError(address, what, remedy) from error
    raise AssertionError("a resource has an address")
