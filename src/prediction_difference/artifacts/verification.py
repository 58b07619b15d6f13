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
from prediction_difference.artifacts import origins
from prediction_difference.artifacts.table import Artifact, Artifacts
from prediction_difference.config import read_config
from prediction_difference.data.checksums import sha256
from prediction_difference.errors import StoreError
from prediction_difference.listings import without_waiting
from prediction_difference.progress import track
from prediction_difference.run import Config
from prediction_difference.seals import SUFFIX, Seal, read_seal, seal_path
from prediction_difference.stores import (
    CODE_ATTRIBUTE,
    PARTIAL,
    open_store,
    read_attributes,
    refuse_changed_members,
    refuse_other_config,
)

CONFIG_FILE = "config.yaml"
_WORKING = ("chunks", "shards", "parts")
"""Folders of what is not published: jobs check it by themselves."""
_KINDS = {"data": "dataset", "priors": "prior", "attributions": "attribution"}
"""Sections whose entries are Zarr stores, and what these call themselves."""
_NOTED = {"data": CODE_ATTRIBUTE, "priors": CODE_ATTRIBUTE, "attributions": "code_digest"}
"""Attributes of stores that note the code."""
_VOLUMES, _LISTINGS, _COHORTS = "volumes", "listings", "cohorts"
"""Sections of what is no entry by itself: NIfTI files, lists of stores, simulated cohorts."""
_ORDER = (
    "data",
    "priors",
    "classifiers",
    "attributions",
    "volumes",
    "listings",
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
    is_store = one.section in _KINDS
    if one.section == _LISTINGS:
        found = _check_listing(one, run)
    else:
        found = _check_store(one.main, _KINDS[one.section]) if is_store else _check_files(one.main)
    is_plain = one.section in (_VOLUMES, _LISTINGS, _COHORTS)
    if found.state is State.COMPLETE and artifacts is not None and not is_plain:
        look = _origin_of_store if is_store else _origin_of_files
        found = look(one, artifacts) or found
    main = one.main / "zarr.json" if is_store else one.main
    target = Path("results", run.name, main.relative_to(run))
    return Finding(found.path, found.state, found.what, found.remedy, target, one.main)


def _check_store(path: Path, kind: str) -> Finding:
    # Snakemake makes the folder of an output before its job starts.
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return Finding(path, State.MISSING, "is not there", _AGAIN)
    if not (path / "zarr.json").is_file():
        return Finding(path, State.HALF_WRITTEN, "has no zarr.json", f"delete it and {_AGAIN}")
    try:
        store = open_store(path, kind)
        refuse_changed_members(path)
        for inner in sorted(path.glob("window_*/*")) if kind == _KINDS["priors"] else ():
            part = open_store(inner, "conditionals")
            if part.attrs.get("of") != store.attrs["digest"]:
                raise StoreError(inner, "belongs to another prior", f"delete it and {_AGAIN}")
    except StoreError as error:
        problem = error.problem
        return Finding(path, State.DAMAGED, problem.what, problem.remedy)
    return Finding(path, State.COMPLETE)


def _check_listing(one: Published, run: Path) -> Finding:
    """A listing names the stores that are there; what is wrong with a store is told there."""
    found = _check_files(one.main)
    if found.state is not State.COMPLETE:
        return found
    listed = json.loads(one.main.read_text(encoding="utf-8"))["stores"]
    for slot, digest in listed.items():
        with suppress(StoreError):
            if read_attributes(layout.attribution_store(run, one.name, slot))["digest"] != digest:
                return _other(one.main, [origins.INPUTS]) or found
    return found


def _check_files(main: Path, seal_file: Path | None = None) -> Finding:
    """Files under a seal: all are there, and hold what was written."""
    seal_file = seal_file or seal_path(main)
    again = f"delete it and {_AGAIN}"
    if not main.is_file():
        is_begun = seal_file.is_file()
        state = State.HALF_WRITTEN if is_begun else State.MISSING
        return Finding(main, state, "is not there", _AGAIN)
    if not seal_file.is_file():
        what = f"its checksum, {seal_file.name}, is missing"
        return Finding(main, State.HALF_WRITTEN, what, again)
    try:
        seal = read_seal(seal_file)
    except StoreError as error:
        return Finding(seal_file, State.DAMAGED, error.problem.what, again)
    for file, expected in zip(_sealed(main, seal), seal.sums.values(), strict=True):
        if not file.is_file():
            return Finding(file, State.HALF_WRITTEN, "is not there", _AGAIN)
        if sha256(file) != expected:
            return Finding(file, State.DAMAGED, "does not hold what was written", again)
    return Finding(main, State.COMPLETE)


def _sealed(main: Path, seal: Seal) -> list[Path]:
    return [main.parent / name for name in seal.sums]


# --- where it is from -------------------------------------------------------------------------


def _origin_of_files(one: Published, artifacts: Artifacts) -> Finding | None:
    """What the facts in a seal tell; None where they are those of the config and this code."""
    noted = read_seal(one.main).facts
    now = origins.known_facts(artifacts, one.artifact)
    # What is wrong with an input is told there.
    with suppress(StoreError):
        now = origins.facts(artifacts, one.artifact)
    changed = [name for name in now if name in noted and noted[name] != now[name]]
    return _other(one.main, changed)


def _origin_of_store(one: Published, artifacts: Artifacts) -> Finding | None:
    """What a store's attributes tell; None where they are those of the config and this code."""
    config, run = artifacts.config, artifacts.results
    attributes = read_attributes(one.main)
    made_with, wanted = _settings_of_store(one, config, attributes)
    try:
        refuse_other_config(one.main, made_with, wanted)
    except StoreError as error:
        return Finding(one.main, State.OTHER_CONFIG, error.problem.what, f"delete it and {_AGAIN}")
    inputs = _inputs_of_store(one, config, run, attributes)
    changed = [origins.INPUTS] if any(noted != now for noted, now in inputs) else []
    if attributes.get(_NOTED[one.section]) != artifacts.code_of(one.artifact):
        changed.append(origins.CODE)
    return _other(one.main, changed)


def _other(path: Path, changed: Sequence[str]) -> Finding | None:
    again = f"delete it and {_AGAIN}"
    if origins.SETTINGS in changed:
        return Finding(path, State.OTHER_CONFIG, "was made with other settings", again)
    if origins.INPUTS in changed:
        what = "was made from other results than those that are there now"
        return Finding(path, State.OTHER_INPUTS, what, again)
    if origins.CODE in changed:
        what = "was made by another version of the code"
        return Finding(path, State.OTHER_CODE, what, "keep it, or start Snakemake again")
    return None


def _settings_of_store(
    one: Published, config: Config, attributes: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings that a store was made with, and those of the config."""
    from prediction_difference.attribution.description import what_matters

    section = {"data": "datasets", "priors": "priors"}.get(one.section, "explanations")
    wanted = getattr(config, section)[one.name].content
    made_with = dict(attributes.get("settings") or {})
    if one.section == "attributions":
        wanted = what_matters(wanted)
    if "seed" in attributes:
        made_with, wanted = {**made_with, "seed": attributes["seed"]}, {**wanted}
        wanted["seed"] = config.run.seed
    return made_with, wanted


def _inputs_of_store(
    one: Published, config: Config, run: Path, attributes: dict[str, Any]
) -> Iterator[tuple[object, object]]:
    """Digests of inputs, as noted and as they are; those that are not there are told elsewhere."""
    for key, path in _noted_inputs(one, config, run):
        try:
            yield attributes.get(key), _digest_of_input(path)
        except StoreError:
            continue


def _noted_inputs(one: Published, config: Config, run: Path) -> Iterator[tuple[str, Path]]:
    if one.section == "priors":
        yield "dataset_digest", layout.dataset_store(run, config.priors[one.name].dataset)
    if one.section != "attributions":
        return
    explanation = config.explanations[one.name]
    dataset = config.classifiers[explanation.classifier].dataset
    yield "dataset_digest", layout.dataset_store(run, dataset)
    yield "classifier_digest", layout.card_file(run, explanation.classifier)
    if prior := explanation.prior_name:
        yield "prior_digest", layout.prior_store(run, prior)
    if reference := explanation.reference_name:
        yield "reference_digest", layout.dataset_store(run, reference)


def _digest_of_input(path: Path) -> str:
    from prediction_difference.classifiers.card import read_card
    from prediction_difference.classifiers.loading import classifier_digest

    return classifier_digest(read_card(path)) if path.suffix == ".json" else origins.digest_of(path)


# --- what else is there -----------------------------------------------------------------------


def _files_of(wanted: Iterable[Published]) -> set[Path]:
    """Everything that belongs to what is wanted: stores, and files with their seals."""
    known: set[Path] = set()
    for one in wanted:
        known.add(one.main)
        if one.section in _KINDS:
            continue
        known.add(seal_path(one.main))
        try:
            known.update(_sealed(one.main, read_seal(one.main)))
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
    sealed: set[Path] = set()
    found = []
    for file in (p for p in others if p.suffix == SUFFIX):
        result = _check_sealed_stranger(file)
        sealed |= {file, *_under(file)}
        found.append(_stranger(result, is_known))
    for path in others:
        if path.suffix == ".zarr":
            kind = _kind_of(path)
            found.append(_stranger(_check_store(path, kind), is_known))
        elif path not in sealed:
            what = "nothing in the config makes it" if is_known else "has no checksum"
            found.append(Finding(path, State.UNEXPECTED, what, "delete it, if it is not yours"))
    return found


def _under(seal_file: Path) -> list[Path]:
    try:
        return _sealed(seal_file, read_seal(seal_file))
    except StoreError:
        return []


def _check_sealed_stranger(seal_file: Path) -> Finding:
    files = _under(seal_file)
    if not files:
        return Finding(seal_file, State.DAMAGED, "holds no checksums", f"delete it and {_AGAIN}")
    return _check_files(files[0], seal_file)


def _stranger(found: Finding, is_known: bool) -> Finding:
    if found.state is State.COMPLETE and is_known:
        what = "is whole, but nothing in the config makes it"
        return Finding(found.path, State.UNEXPECTED, what, "delete it, if it is not needed")
    return found


def _kind_of(path: Path) -> str:
    try:
        return str(read_attributes(path).get("kind"))
    except StoreError:
        return ""


def _walk(run: Path, inside_working: bool = False) -> Iterator[Path]:
    """Files and stores; what is inside of stores, and Snakemake's own marks, do not count."""
    for folder, folders, files in os.walk(run):
        here = Path(folder)
        if here == run and not inside_working:
            folders[:] = [name for name in folders if name not in _WORKING]
        stores = [name for name in folders if Path(name).suffix in (".zarr", PARTIAL)]
        folders[:] = sorted(set(folders) - set(stores))
        marks = (".snakemake_timestamp", *([CONFIG_FILE] if here == run else []))
        yield from (here / name for name in sorted([*stores, *files]) if name not in marks)
