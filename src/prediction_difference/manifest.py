"""Manifests: what tells that an artifact is complete, holds what was written, and what made it.

A manifest is a text file that is written last, and that `sha256sum --check` reads. That of a Zarr
store lies inside of it; that of files lies beside their main file. Lines that begin with `#` tell
the artifact's origin.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from prediction_difference.errors import StoreError
from prediction_difference.files import digest, folder_of, sha256, write_text
from prediction_difference.listings import appears

SUFFIX = ".sha256"
IN_STORE = f"manifest{SUFFIX}"
"""Name of the manifest of a Zarr store."""
_AGAIN = "delete it and make it again"
_TITLE = "# prediction-difference manifest 1"


@dataclass(frozen=True)
class Origin:
    """What an artifact was made from.

    settings: what the configuration says of it, JSON-like. inputs: digests of other artifacts, by
    their places in the run's folder. code: digest of the modules that made it.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    code: str = ""

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The same, as it is after it was written and read as JSON."""
        facts = {"settings": self.settings, "inputs": self.inputs, "code": self.code}
        read: dict[str, Any] = json.loads(json.dumps(facts, sort_keys=True, default=str))
        return read

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Origin":
        """The origin with these facts."""
        return cls(facts["settings"], facts["inputs"], facts["code"])

    @property
    def entry(self) -> Mapping[str, Any]:
        """What the entry of the configuration says, which is a part of the settings."""
        found: Mapping[str, Any] = self.settings.get("entry", {})
        return found


@dataclass(frozen=True)
class Manifest:
    """sums: SHA-256 of files by their names, relative to the manifest. origin: what made them."""

    sums: Mapping[str, str]
    origin: Origin

    @cached_property
    def digest(self) -> str:
        """Of the contents of all files."""
        return digest(*(part for pair in sorted(self.sums.items()) for part in pair))


def manifest_path(main: Path) -> Path:
    """Where the manifest of a store, or of files of which this is the main one, lies.

    main: may also be the manifest itself, or the store's zarr.json.
    """
    folder = folder_of(main)
    return folder / IN_STORE if folder.suffix == ".zarr" else main.with_suffix(SUFFIX)


def withdraw(main: Path) -> None:
    """Remove a manifest before its files are written anew: without one, they are not complete."""
    manifest_path(main).unlink(missing_ok=True)


def write_manifest(main: Path, files: Iterable[Path], origin: Origin | None = None) -> None:
    """Note the checksums of files that are complete now, in the main one's folder or below."""
    _write(manifest_path(main), files, origin)


def write_manifest_inside(folder: Path, origin: Origin | None = None) -> None:
    """Note the checksums of everything in the folder of a store, which is complete now."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != IN_STORE)
    _write(folder / IN_STORE, files, origin)


def _write(path: Path, files: Iterable[Path], origin: Origin | None) -> None:
    facts = (origin or Origin()).facts
    said = [f"# {key}: {json.dumps(value, sort_keys=True)}" for key, value in facts.items()]
    sums = [f"{sha256(file)}  {_name(file, path)}" for file in files]
    write_text(path, "".join(f"{line}\n" for line in (_TITLE, *said, *sums)))


def _name(file: Path, manifest: Path) -> str:
    return file.relative_to(manifest.parent).as_posix()


def read_manifest(main: Path) -> Manifest:
    """Read the manifest of a store, or of files of which this is the main one.

    Raises:
        StoreError: it is missing, so that the files are not complete, or it is damaged, or an
            earlier version of the package wrote it, or wrote none.
    """
    path = manifest_path(main)
    if not appears(path):
        what = f"is not complete: {path.name}, which is written last, is missing"
        if path.name == IN_STORE:
            what += ", or an earlier version of prediction-difference wrote it"
        raise StoreError(main, what, _AGAIN)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(path, f"cannot be read ({error})", _AGAIN) from error
    if lines[:1] != [_TITLE]:
        what = "is damaged, or an earlier version of prediction-difference wrote it"
        raise StoreError(path, what, _AGAIN)
    try:
        return _parse(lines)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(path, "is damaged: it is not what was written", _AGAIN) from error


def _parse(lines: list[str]) -> Manifest:
    said = [line[2:].partition(": ") for line in lines[1:] if line.startswith("# ")]
    facts = {key: json.loads(value) for key, _, value in said}
    sums = [line.partition("  ") for line in lines if not line.startswith("#")]
    if not sums or any(len(checksum) != 64 or not name for checksum, _, name in sums):
        raise ValueError("it holds no checksums")
    return Manifest({name: sum for sum, _, name in sums}, Origin.from_facts(facts))


def digest_of(main: Path) -> str:
    """Of the content of an artifact.

    Raises:
        StoreError: it is not complete.
    """
    return read_manifest(main).digest


def changed(main: Path, manifest: Manifest, names: Collection[str]) -> list[Path]:
    """Files of a manifest that are missing or do not hold what was written."""
    files = {manifest_path(main).parent / name: manifest.sums.get(name) for name in names}
    return [file for file, sum in files.items() if not appears(file) or sha256(file) != sum]


def read_file(path: Path, main: Path, remedy: str) -> bytes:
    """Content of a file, as it was published under the manifest of a main file.

    Raises:
        StoreError: it or its manifest is missing, or it does not hold what was written.
    """
    appears(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(path, f"cannot be read ({error})", remedy) from error
    try:
        expected = read_manifest(main).sums.get(_name(path, manifest_path(main)))
    except StoreError as error:
        raise StoreError(path, f"cannot be read ({error.problem.what})", remedy) from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise StoreError(path, "is damaged: it does not hold what was written", remedy)
    return content
