"""A user's cohort: a folder of NIfTI volumes with participants.tsv, checked in one pass."""

import csv
import gzip
import string
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from prediction_difference.config import model
from prediction_difference.config.shapes import slab_shape
from prediction_difference.data.anatomy import orientation, slab_affine, slab_facts, slab_slices
from prediction_difference.data.checksums import sha256
from prediction_difference.data.dataset import Catalogue, Dataset
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.progress import track

TABLE = "participants.tsv"
ID = "participant_id"
MISSING = ("", "n/a")
"""What BIDS tables hold where a value is missing."""
AFFINE_TOLERANCE = 1e-3  # mm
_UNREADABLE = (
    OSError, EOFError, ValueError, MemoryError, zlib.error, ImageFileError, HeaderDataError,
)  # fmt: skip


@dataclass(frozen=True)
class Participant:
    """A row of participants.tsv: label is None where it is missing."""

    id: str
    label: str | None


@dataclass(frozen=True)
class Volume:
    """A NIfTI volume.

    voxels: (X, Y, Z) float32. affine: (4, 4) voxel to mm. codes: what the affine's space is
    (NIfTI's qform_code and sform_code).
    """

    file: Path
    voxels: np.ndarray
    affine: np.ndarray
    codes: Mapping[str, int]


@dataclass(frozen=True)
class Grid:
    """What every volume of the cohort shares with the first one that can be read."""

    file: Path
    shape: tuple[int, ...]
    affine: np.ndarray
    codes: Mapping[str, int]


@dataclass(frozen=True)
class _Survey:
    """What one pass over the cohort found; grid and mask are None where no volume can be read."""

    participants: tuple[Participant, ...]
    problems: tuple[Problem, ...]
    grid: Grid | None
    mask: np.ndarray | None


def check(settings: model.NiftiCohort, name: str) -> list[Problem]:
    """Read the whole cohort once and list everything that is wrong with it, file by file."""
    return list(_survey(settings, name).problems)


def catalogue(settings: model.NiftiCohort) -> Catalogue:
    """Names of the participants and classes of a cohort without problems."""
    rows = _read_table(settings, "")
    return Catalogue(tuple(id for id, _ in rows), tuple(sorted({label or "" for _, label in rows})))


def load(settings: model.NiftiCohort, name: str, seed: int) -> Dataset:
    """Read the cohort: (n, 1, *slab) float32 as the files hold it, in the order of the table.

    Classes are the sorted values of the label column. Without a mask, the voxels count that are
    non-zero in every subject.

    Raises:
        ConfigError: lists everything that is wrong with the table, the files and the mask.
    """
    survey = _survey(settings, name)
    if survey.problems or survey.grid is None:
        raise ConfigError(survey.problems)
    participants, grid = survey.participants, survey.grid
    texts = [participant.label or "" for participant in participants]
    class_names = tuple(sorted(set(texts)))
    labels = np.array([class_names.index(text) for text in texts], dtype=np.int64)
    return Dataset(
        images=_read_images(settings, name, participants, grid),
        names=tuple(participant.id for participant in participants),
        labels=labels,
        split=assign_splits(labels, settings, seed, name),
        class_names=class_names,
        mask=survey.mask,
        affine=slab_affine(grid.affine, settings.slab),
        sources=_sources(settings, participants),
        files=tuple(_relative(settings, _file(settings, p.id)) for p in participants),
        facts=_facts(settings, grid),
    )


def read_volume(file: Path) -> Volume:
    """Read a whole 3-D NIfTI file.

    Raises:
        DataError: the file is missing, damaged, no NIfTI file, not 3-D, or not of real numbers.
    """
    try:
        if not file.is_file():
            raise DataError(file, "there is no such file", "add it, or correct the name")
        _refuse_damaged_gzip(file)
        image: Any = nibabel.load(file)
        _refuse_other_than_volumes(file, image)
        with np.errstate(over="ignore"):
            voxels = np.asarray(image.dataobj, dtype=np.float32)
        codes = {key: int(image.header[key]) for key in ("qform_code", "sform_code")}
        return Volume(file, voxels, np.array(image.affine, dtype=np.float64), codes)
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            file, f"cannot be read ({reason})", "it may be cut short: copy or make it again"
        ) from error


def _refuse_damaged_gzip(file: Path) -> None:
    """Read to the end, where the checksum stands: nibabel stops after the last voxel."""
    if file.suffix == ".gz":
        with gzip.open(file) as stream:
            while stream.read(2**20):
                pass


def _refuse_other_than_volumes(file: Path, image: Any) -> None:
    if not isinstance(image, nibabel.Nifti1Pair):
        kind = type(image).__name__
        raise DataError(file, f"is no NIfTI file but {kind}", "convert it to .nii.gz")
    if len(image.shape) != 3:
        sides = _by(image.shape)
        raise DataError(
            file,
            f"is {len(image.shape)}-D ({sides}), not 3-D",
            "extract the one volume to classify",
        )
    header: Any = image.header
    stored = header.get_data_dtype()
    if stored.kind not in "iufb":
        raise DataError(file, f"its voxels are no real numbers ({stored})", "save it as float32")


def _survey(settings: model.NiftiCohort, name: str) -> _Survey:
    where = f"datasets.{name}"
    try:
        rows = _read_table(settings, where)
    except DataError as error:
        return _Survey((), (error.problem, *_pattern_problems(settings, where)), None, None)
    participants = tuple(Participant(*row) for row in rows)
    problems = [
        *_participant_problems(participants, settings.root / TABLE),
        *_class_problems(participants, settings, where),
        *_pattern_problems(settings, where),
    ]
    if _pattern_fault(settings.pattern):
        return _Survey(participants, tuple(problems), None, None)
    files = {p.id: _file(settings, p.id) for p in participants if _is_safe(p.id)}
    found, grid, nonzero = _survey_volumes(files, settings, name)
    wrong, mask = _survey_mask(settings, grid, nonzero, f"{where}.mask")
    return _Survey(participants, (*problems, *found, *wrong), grid, mask)


# --- the table --------------------------------------------------------------------------------


def _read_table(settings: model.NiftiCohort, where: str) -> list[tuple[str, str | None]]:
    """(participant id, label or None) of each row.

    Raises:
        DataError: there is no such folder or table, or it has no such columns, or no rows.
    """
    file = settings.root / TABLE
    if not settings.root.is_dir():
        raise DataError(f"{where}.root", f"{settings.root} is no folder", "correct the path")
    if not file.is_file():
        remedy = f"write one with the columns {ID} and {settings.label}, separated by tabs"
        raise DataError(file, "there is no such file", remedy)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines, delimiter="\t")
            rows = [row for row in table if any(row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(file, f"cannot be read ({error})", "save it as UTF-8 text") from error
    _refuse_missing_columns(file, table.fieldnames or (), settings.label)
    if not rows:
        raise DataError(file, "lists no participants", "add a row for each of them")
    return [(_cell(row, ID) or "", _cell(row, settings.label)) for row in rows]


def _refuse_missing_columns(file: Path, columns: Iterable[str], label: str) -> None:
    columns = tuple(columns)
    missing = [column for column in (ID, label) if column not in columns]
    if missing:
        there = ", ".join(repr(column) for column in columns) or "none"
        raise DataError(
            file,
            f"has no column {' and no column '.join(repr(column) for column in missing)}",
            f"its columns are {there}: rename one, correct the key label, or separate by tabs",
        )


def _cell(row: Mapping[str, str | None], column: str) -> str | None:
    text = (row[column] or "").strip()
    return None if text.lower() in MISSING else text


def _participant_problems(participants: tuple[Participant, ...], table: Path) -> Iterator[Problem]:
    counts = Counter(participant.id for participant in participants)
    for id, count in counts.items():
        where = f"{table}: {id}" if id else str(table)
        if not id:
            yield Problem(where, f"{count} row(s) have no {ID}", "fill them in, or remove the rows")
        elif not _is_safe(id):
            yield Problem(
                where, f"{ID} {id!r} leads to another folder", "use a name without / \\ and .."
            )
        if id and count > 1:
            yield Problem(where, f"is listed {count} times", "keep one row per participant")
    for participant in participants:
        if participant.label is None:
            yield Problem(
                f"{table}: {participant.id or 'row without id'}",
                "has no class (empty or n/a)",
                "fill it in, or remove the row",
            )


def _is_safe(id: str) -> bool:
    return bool(id) and not any(part in id for part in ("/", "\\", "..", "\0"))


def _class_problems(
    participants: tuple[Participant, ...], settings: model.NiftiCohort, where: str
) -> Iterator[Problem]:
    counts = Counter(p.label for p in participants if p.label is not None)
    if len(counts) == 1:
        (label,) = counts
        yield Problem(
            f"{where}.label",
            f"every participant is of class {label!r} in column {settings.label!r}",
            "add participants of another class, or name another column",
        )
    asked = "folds" if settings.folds is not None else "test_fraction"
    parts = settings.folds or (1 if settings.test_fraction is None else 2)
    for label, count in sorted(counts.items()):
        if count < parts:
            remedy = f"set folds to at most {count}, or add" if count > 1 else "add"
            yield Problem(
                f"{where}.{asked}",
                f"class {label!r} has {count} participant(s), but needs {parts}",
                f"{remedy} participants of this class",
            )


# --- the files --------------------------------------------------------------------------------


def _pattern_problems(settings: model.NiftiCohort, where: str) -> Iterator[Problem]:
    fault = _pattern_fault(settings.pattern)
    if fault:
        remedy = f"write it like {{{ID}}}/{{{ID}}}_FA.nii.gz, relative to root"
        yield Problem(f"{where}.pattern", f"{settings.pattern!r} {fault}", remedy)


def _pattern_fault(pattern: str) -> str | None:
    """What is wrong with the pattern, if anything; it may hold plain {participant_id} only."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        return f"is no pattern ({error})"
    fields = {name for _, name, _, _ in parts if name is not None}
    unknown = sorted(fields - {ID})
    if unknown:
        return f"has the unknown placeholder {{{unknown[0]}}}"
    if any(name is not None and (form or conversion) for _, name, form, conversion in parts):
        return f"changes {{{ID}}} with ':' or '!'"
    if not fields:
        return f"has no placeholder {{{ID}}}, so all participants would share a file"
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts:
        return "leads out of root"
    return None


def _file(settings: model.NiftiCohort, id: str) -> Path:
    return settings.root / settings.pattern.format(**{ID: id})


def _survey_volumes(
    files: Mapping[str, Path], settings: model.NiftiCohort, name: str
) -> tuple[list[Problem], Grid | None, np.ndarray | None]:
    """Problems of the volumes, the first one's grid, and the voxels non-zero in all of them."""
    problems: list[Problem] = []
    grid: Grid | None = None
    nonzero: np.ndarray | None = None
    cut = slab_slices(settings.slab)
    for id, file in track(files.items(), f"checking {name}", total=len(files)):
        try:
            volume = read_volume(file)
        except DataError as error:
            problems.append(_within(id, error.problem))
            continue
        if grid is None:
            grid = Grid(file, volume.voxels.shape, volume.affine, volume.codes)
            problems += _slab_problems(grid, settings.slab, f"datasets.{name}.slab")
        faults = [*_grid_problems(volume, grid), *_value_problems(volume, cut)]
        problems += [_within(id, problem) for problem in faults]
        if not faults:
            here = volume.voxels[cut] != 0
            nonzero = here if nonzero is None else nonzero & here
    return problems, grid, nonzero


def _within(where: str, problem: Problem) -> Problem:
    return Problem(f"{where}: {problem.where}", problem.what, problem.remedy)


def _slab_problems(grid: Grid, slab: model.Slab | None, where: str) -> Iterator[Problem]:
    if slab is not None and slab.stop > grid.shape[slab.axis]:
        side = grid.shape[slab.axis]
        yield Problem(
            where,
            f"stop={slab.stop} is beyond the {side} slices on axis {slab.axis} of {grid.file}",
            f"set stop to at most {side}",
        )


def _grid_problems(volume: Volume, grid: Grid) -> Iterator[Problem]:
    """How the volume's shape or affine is not that of the cohort."""
    shape = volume.voxels.shape
    if shape != grid.shape:
        yield Problem(
            str(volume.file),
            f"its shape {_by(shape)} is not the {_by(grid.shape)} of {grid.file}",
            "resample it to that grid",
        )
    if not (np.isfinite(volume.affine).all() and np.linalg.det(volume.affine)):
        yield Problem(
            str(volume.file), "its affine cannot be inverted", "correct its sform or qform"
        )
    elif not np.allclose(volume.affine, grid.affine, rtol=0, atol=AFFINE_TOLERANCE):
        yield Problem(
            str(volume.file),
            f"its affine {_numbers(volume.affine)} is not that of {grid.file},"
            f" {_numbers(grid.affine)}",
            "resample it to that grid",
        )


def _value_problems(volume: Volume, cut: tuple[slice, ...]) -> Iterator[Problem]:
    """What is wrong with the numbers inside the slab."""
    voxels = volume.voxels[cut]
    wrong = int(voxels.size - np.isfinite(voxels).sum())
    if wrong:
        yield Problem(
            str(volume.file),
            f"{wrong} voxel(s) are NaN or infinite",
            "set them to 0, or mend what made them",
        )
    elif voxels.size and not voxels.any():
        yield Problem(str(volume.file), "every voxel is 0", "make it again, or remove the row")


def _survey_mask(
    settings: model.NiftiCohort, grid: Grid | None, nonzero: np.ndarray | None, where: str
) -> tuple[list[Problem], np.ndarray | None]:
    """Problems of the mask, and the mask cut to the slab; without a file, it is `nonzero`."""
    if settings.mask is None:
        if nonzero is None or nonzero.any():
            return [], nonzero
        remedy = "name a mask, or choose other slices"
        return [Problem(where, "no voxel is non-zero in every subject", remedy)], None
    try:
        volume = read_volume(settings.mask)
    except DataError as error:
        return [_within(where, error.problem)], None
    cut = slab_slices(settings.slab)
    problems = [] if grid is None else list(_grid_problems(volume, grid))
    problems += _value_problems(volume, cut)
    return [_within(where, problem) for problem in problems], volume.voxels[cut] != 0


def _by(shape: Iterable[int]) -> str:
    return " x ".join(str(side) for side in shape)


def _numbers(affine: np.ndarray) -> str:
    """The three rows of an affine that differ between files, in short."""
    return str([[float(f"{number:.6g}") for number in row] for row in affine[:3]])


# --- the dataset ------------------------------------------------------------------------------


def _read_images(
    settings: model.NiftiCohort, name: str, participants: tuple[Participant, ...], grid: Grid
) -> np.ndarray:
    """(n, 1, *slab) float32."""
    cut = slab_slices(settings.slab)
    shape = slab_shape(grid.shape, settings.slab)
    images = np.empty((len(participants), 1, *shape), dtype=np.float32)
    for index, participant in enumerate(track(participants, f"reading {name}")):
        images[index, 0] = read_volume(_file(settings, participant.id)).voxels[cut]
    return images


def _sources(settings: model.NiftiCohort, participants: tuple[Participant, ...]) -> dict[str, str]:
    """Checksum of each file by its path relative to root; of the mask, by its path as given."""
    files = [settings.root / TABLE, *(_file(settings, p.id) for p in participants)]
    sources = {_relative(settings, file): sha256(file) for file in files}
    if settings.mask is not None:
        sources[str(settings.mask)] = sha256(settings.mask)
    return sources


def _relative(settings: model.NiftiCohort, file: Path) -> str:
    return file.relative_to(settings.root).as_posix()


def _facts(settings: model.NiftiCohort, grid: Grid) -> dict[str, Any]:
    """What heatmaps in the files' own space need, as JSON can hold it."""
    return {
        "simulated": False,
        "label": settings.label,
        "volume_shape": list(grid.shape),
        "volume_affine": grid.affine.tolist(),
        "orientation": orientation(grid.affine),
        "slab": slab_facts(grid.affine, grid.shape, settings.slab),
        **grid.codes,
    }
