"""Checksums of published files, in one file that is written last: `sha256sum -c` reads it.

Zarr stores carry a digest in their attributes. What is published as plain files has a seal beside
its main file, which also notes what the files were made with, in lines that begin with `#`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prediction_difference.data.checksums import sha256
from prediction_difference.errors import StoreError
from prediction_difference.listings import appears
from prediction_difference.stores import digest, write_text

SUFFIX = ".sha256"
_AGAIN = "delete it and make it again"


@dataclass(frozen=True)
class Seal:
    """sums: SHA-256 of files by their names, relative to the seal. facts: what they come from."""

    sums: Mapping[str, str]
    facts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Of the contents of all files."""
        return digest(*(part for pair in sorted(self.sums.items()) for part in pair))


def seal_path(main: Path) -> Path:
    """The seal beside a main file, or the seal itself: maps.json -> maps.sha256."""
    return main.with_suffix(SUFFIX)


def break_seal(main: Path) -> None:
    """Remove a seal before its files are written anew: without one, they are not complete."""
    seal_path(main).unlink(missing_ok=True)


def write_seal(main: Path, files: Iterable[Path], facts: Mapping[str, str] = {}) -> None:
    """Note the checksums of files that are complete now, in the folder of the main one or below.

    facts: short texts in one line, by name.
    """
    lines = [f"# {name}: {fact}" for name, fact in facts.items()]
    lines += [f"{sha256(file)}  {file.relative_to(main.parent).as_posix()}" for file in files]
    write_text(seal_path(main), "".join(f"{line}\n" for line in lines))


def read_seal(main: Path) -> Seal:
    """Read the seal beside a main file.

    Raises:
        StoreError: it is missing, so that the files are not complete, or damaged.
    """
    path = seal_path(main)
    if not appears(path):
        what = f"is not complete: {path.name} with its checksum is missing"
        raise StoreError(main, what, "make it again")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(path, f"cannot be read ({error})", _AGAIN) from error
    facts = [line[2:].partition(": ") for line in lines if line.startswith("# ")]
    sums = [line.partition("  ") for line in lines if not line.startswith("#")]
    if not sums or any(len(sum) != 64 or not name for sum, _, name in sums):
        raise StoreError(path, "is damaged: it holds no checksums", _AGAIN)
    return Seal({name: sum for sum, _, name in sums}, {name: fact for name, _, fact in facts})


def read_sealed(path: Path, main: Path, remedy: str) -> bytes:
    """Content of a file, as it was published under the seal of a main file.

    Raises:
        StoreError: it or its seal is missing, or it does not hold what was written.
    """
    appears(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(path, f"cannot be read ({error})", remedy) from error
    try:
        expected = read_seal(main).sums.get(path.relative_to(main.parent).as_posix())
    except StoreError as error:
        raise StoreError(path, f"cannot be read ({error.problem.what})", remedy) from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise StoreError(path, "is damaged: it does not hold what was written", remedy)
    return content
