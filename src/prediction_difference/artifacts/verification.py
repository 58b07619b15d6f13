"""Whether what a run published is complete, is what was written, and where it is from."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from prediction_difference import layout
from prediction_difference.artifacts.table import Artifact, Artifacts
from prediction_difference.config import read_config
from prediction_difference.errors import StoreError
from prediction_difference.files import PARTIAL, sha256
from prediction_difference.listings import without_waiting
from prediction_difference.manifest import (
    IN_STORE,
    SUFFIX,
    Manifest,
    Origin,
    changed,
    manifest_path,
    read_manifest,
)
from prediction_difference.progress import track
from prediction_difference.run import Config
from prediction_difference.stores import refuse_other_config

CONFIG_FILE = "config.yaml"
_WORKING = ("chunks", "shards", "parts")
"""Folders of what is not published: jobs check it by themselves."""
_STORE = ".zarr"
_MARK = ".snakemake_timestamp"
"""What Snakemake leaves in folders."""
_LISTINGS = "listings"
"""The section of lists of stores."""
_ORDER = (
    "data",
    "priors",
    "classifiers",
    "attributions",
    "volumes",
    _LISTINGS,
    "cohorts",
    "evaluations",
    "figures",
    "report",
)
"""Of the kinds, as findings are told."""
_AGAIN = "make it again"


class State(StrEnum):
    """What was found about something that is, or should be, published."""

    COMPLETE = "complete"
    DAMAGED = "damaged"
    HALF_WRITTEN = "half-written"
    MISSING = "missing"
    OTHER_CONFIG = "of another config"
    OTHER_INPUTS = "of other inputs"
    OTHER_CODE = "of another code version"
    UNEXPECTED = "unexpected"

    @property
    def is_wrong(self) -> bool:
        """Whether it has to be mended before results are whole; of the others, a person decides."""
        return self not in (State.COMPLETE, State.OTHER_CODE, State.UNEXPECTED)


@dataclass(frozen=True)
class Published:
    """What an artifact leaves: its kind and name, its main file or store."""

    section: str
    name: str
    main: Path
    artifact: Artifact


@dataclass(frozen=True)
class Finding:
    """The state of a file or store; what is wrong and how to mend it, if anything is.

    target: what Snakemake makes it by; None for what nothing makes. main: the file or store behind
    the target, without which Snakemake sees that there is something to make.
    """

    path: Path
    state: State
    what: str = ""
    remedy: str = ""
    target: Path | None = None
    main: Path | None = None


def runs_in(folder: Path) -> list[Path]:
    """Folders of runs: the folder itself, or those in it.

    Raises:
        StoreError: there is none.
    """
    if (folder / CONFIG_FILE).is_file():
        return [folder]
    found = sorted(path for path in folder.glob("*") if path.is_dir() and any(path.iterdir()))
    if not found:
        raise StoreError(folder, "holds no results", "give results/ or results/<run>")
    return found


def verify(run: Path) -> list[Finding]:
    """Check everything below results/<run>: what its config asks for, then what else is there.

    A folder without the config of its run is checked against the digests that it holds.

    Raises:
        ConfigError: the config of the run has problems.
    """
    config = _config_of(run)
    artifacts = None if config is None else Artifacts(config, run)
    wanted = [] if artifacts is None else published_by(artifacts)
    with without_waiting():
        findings = [_checked(one, artifacts, run) for one in track(wanted, f"verifying {run.name}")]
        findings += _left_over(run)
        findings += _strangers(run, _files_of(wanted), is_known=config is not None)
    return findings


def _config_of(run: Path) -> Config | None:
    file = run / CONFIG_FILE
    if not file.is_file():
        return None
    return read_config(file)


def published_by(artifacts: Artifacts) -> list[Published]:
    """Everything that the report of a configuration needs, in the order in which data flows."""
    found = (
        Published(kind, artifact.name, main, artifact)
        for artifact in artifacts
        for kind, main in artifact.published
    )
    order = list(_ORDER)
    return sorted(found, key=lambda one: order.index(one.section))


# --- one published thing ----------------------------------------------------------------------


def _checked(one: Published, artifacts: Artifacts | None, run: Path) -> Finding:
    found = _check(one.main)
    if found.state is State.COMPLETE and one.section == _LISTINGS:
        found = _check_listing(one, run) or found
    elif found.state is State.COMPLETE and artifacts is not None:
        found = _check_origin(one, artifacts) or found
    main = manifest_path(one.main) if one.main.suffix == _STORE else one.main
    target = Path("results", run.name, main.relative_to(run))
    return Finding(found.path, found.state, found.what, found.remedy, target, one.main)


def _check(main: Path) -> Finding:
    """Whether all files of a manifest are there, and hold what was written."""
    again = f"delete it and {_AGAIN}"
    is_store = main.suffix == _STORE
    manifest_file = manifest_path(main)
    first = main / "zarr.json" if is_store else main
    if not first.is_file():
        # Snakemake makes the folder of an output before its job starts.
        is_begun = manifest_file.is_file() or (is_store and main.is_dir() and any(main.iterdir()))
        if not is_begun:
            return Finding(main, State.MISSING, "is not there", _AGAIN)
        what, remedy = ("has no zarr.json", again) if is_store else ("is not there", _AGAIN)
        return Finding(main, State.HALF_WRITTEN, what, remedy)
    if not manifest_file.is_file():
        what = f"its manifest, {manifest_file.name}, is missing"
        return Finding(main, State.HALF_WRITTEN, what, again)
    try:
        manifest = read_manifest(main)
    except StoreError as error:
        return Finding(manifest_file, State.DAMAGED, error.problem.what, again)
    if is_store:
        return _check_inside(main, manifest)
    for file, expected in zip(_listed(main, manifest), manifest.sums.values(), strict=True):
        if not file.is_file():
            return Finding(file, State.HALF_WRITTEN, "is not there", _AGAIN)
        if sha256(file) != expected:
            return Finding(file, State.DAMAGED, "does not hold what was written", again)
    return Finding(main, State.COMPLETE)


def _check_inside(store: Path, manifest: Manifest) -> Finding:
    """Of a store also what was put into it later, which Zarr would read."""
    there = {p.relative_to(store).as_posix() for p in store.rglob("*") if p.is_file()}
    lost = changed(store, manifest, manifest.sums)
    added = sorted(there - manifest.sums.keys() - {IN_STORE, _MARK})
    if not lost and not added:
        return Finding(store, State.COMPLETE)
    first = lost[0].relative_to(store).as_posix() if lost else added[0]
    what = f"is damaged: {first} " + (
        "was put into it later" if not lost else "is not what was written"
    )
    return Finding(store, State.DAMAGED, what, f"delete it and {_AGAIN}")


def _listed(main: Path, manifest: Manifest) -> list[Path]:
    return [manifest_path(main).parent / name for name in manifest.sums]


def _check_listing(one: Published, run: Path) -> Finding | None:
    """A listing names the stores that are there; what is wrong with a store is told there."""
    listed = json.loads(one.main.read_text(encoding="utf-8"))["stores"]
    for slot, noted in listed.items():
        with suppress(StoreError):
            store = layout.attribution_store(run, one.name, slot)
            if read_manifest(store).digest != noted:
                return _of_other_inputs(one.main, [store.relative_to(run).as_posix()])
    return None


# --- where it is from -------------------------------------------------------------------------


def _check_origin(one: Published, artifacts: Artifacts) -> Finding | None:
    """What a manifest tells; None where that is so by the config, and with this code."""
    noted = read_manifest(one.main).origin
    again = f"delete it and {_AGAIN}"
    now = Origin.from_facts(artifacts.known_origin(one.artifact).facts)
    try:
        refuse_other_config(one.main, _flat(noted), _flat(now))
    except StoreError as error:
        return Finding(one.main, State.OTHER_CONFIG, error.problem.what, again)
    # What is wrong with an input is told there.
    with suppress(StoreError):
        inputs = artifacts.origin(one.artifact).inputs
        if others := sorted(p for p in inputs if noted.inputs.get(p) != inputs[p]):
            return _of_other_inputs(one.main, others)
    if noted.code != now.code:
        what = "was made by another version of the code"
        remedy = "keep it, or start Snakemake again"
        return Finding(one.main, State.OTHER_CODE, what, remedy)
    return None


def _of_other_inputs(path: Path, places: Sequence[str]) -> Finding:
    """places: of the inputs that are others now, in the run's folder."""
    what = f"was made from another {places[0]} than the one that is there now"
    return Finding(path, State.OTHER_INPUTS, what, f"delete it and {_AGAIN}")


def _flat(origin: Origin) -> dict[str, Any]:
    """Settings of an entry beside those of the run."""
    others = {key: value for key, value in origin.settings.items() if key != "entry"}
    return {**origin.entry, **others}


# --- what else is there -----------------------------------------------------------------------


def _files_of(wanted: Iterable[Published]) -> set[Path]:
    """Everything that belongs to what is wanted: stores, and files with their manifests."""
    known: set[Path] = set()
    for one in wanted:
        known.add(one.main)
        if one.main.suffix == _STORE:
            continue
        known.add(manifest_path(one.main))
        try:
            known.update(_listed(one.main, read_manifest(one.main)))
        except StoreError:
            known.update(one.main.with_suffix(suffix) for suffix in (".png", ".pdf"))
    return known


def _left_over(run: Path) -> list[Finding]:
    """What jobs were writing when they were killed, or are writing now."""
    what = "is being written by a job, or was left by one that was killed"
    return [
        Finding(path, State.HALF_WRITTEN, what, "delete it if no job runs")
        for path in _walk(run, inside_working=True)
        if path.name.endswith(PARTIAL)
    ]


def _strangers(run: Path, known: set[Path], is_known: bool) -> list[Finding]:
    """What nothing in the config makes; without a config, everything: then it is checked, too."""
    others = [p for p in _walk(run) if p not in known and not p.name.endswith(PARTIAL)]
    listed: set[Path] = set()
    found = []
    for file in (p for p in others if p.suffix == SUFFIX):
        result = _check_strange_manifest(file)
        listed |= {file, *_under(file)}
        found.append(_stranger(result, is_known))
    for path in others:
        if path.suffix == _STORE:
            found.append(_stranger(_check(path), is_known))
        elif path not in listed:
            what = "nothing in the config makes it" if is_known else "has no manifest"
            found.append(Finding(path, State.UNEXPECTED, what, "delete it, if it is not yours"))
    return found


def _under(manifest_file: Path) -> list[Path]:
    try:
        return _listed(manifest_file, read_manifest(manifest_file))
    except StoreError:
        return []


def _check_strange_manifest(file: Path) -> Finding:
    files = _under(file)
    if not files:
        return Finding(file, State.DAMAGED, "is no manifest", f"delete it and {_AGAIN}")
    main = next((one for one in files if manifest_path(one) == file), files[0])
    return _check(main)


def _stranger(found: Finding, is_known: bool) -> Finding:
    if found.state is State.COMPLETE and is_known:
        what = "is whole, but nothing in the config makes it"
        return Finding(found.path, State.UNEXPECTED, what, "delete it, if it is not needed")
    return found


def _walk(run: Path, inside_working: bool = False) -> Iterator[Path]:
    """Files and stores; what is inside of stores, and Snakemake's own marks, do not count."""
    for folder, folders, files in os.walk(run):
        here = Path(folder)
        if here == run and not inside_working:
            folders[:] = [name for name in folders if name not in _WORKING]
        stores = [name for name in folders if Path(name).suffix in (".zarr", PARTIAL)]
        folders[:] = sorted(set(folders) - set(stores))
        marks = (_MARK, *([CONFIG_FILE] if here == run else []))
        yield from (here / name for name in sorted([*stores, *files]) if name not in marks)
