"""A user's cohort: a folder of NIfTI volumes with participants.tsv, checked in one pass."""

import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from prediction_difference.data.anatomy import orientation, slab_affine, slab_facts, slab_slices
from prediction_difference.data.dataset import Catalogue, Dataset
from prediction_difference.data.participants import (
    ID,
    TABLE,
    Participant,
    class_problems,
    columns_of,
    is_safe,
    participant_problems,
    read_table,
)
from prediction_difference.data.source import Slab
from prediction_difference.data.sources.nifti_cohort import NiftiCohort
from prediction_difference.data.splits import assign_splits
from prediction_difference.data.volumes import Volume, numbers_of, read_shape, read_volume, sides
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.files import digest, sha256
from prediction_difference.progress import track

AFFINE_TOLERANCE = 1e-3  # mm
OTHER_UNIT = 8.0
"""Times that the values of a volume may be larger or smaller than those of the cohort."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels are: what every volume shares with most others. file: the first one on it."""

    file: Path
    shape: tuple[int, ...]
    affine: np.ndarray
    codes: Mapping[str, int]


@dataclass(frozen=True)
class _Seen:
    """What is kept of a volume that was read: its file and grid, and what its values are like."""

    file: Path
    grid: Grid
    scale: float
    digest: str


@dataclass(frozen=True)
class _Survey:
    """What one pass over the cohort found; grid and mask are None where no volume can be read."""

    participants: tuple[Participant, ...]
    problems: tuple[Problem, ...]
    grid: Grid | None
    mask: np.ndarray | None


def check(settings: NiftiCohort, name: str) -> list[Problem]:
    """Read the whole cohort once and list everything that is wrong with it, file by file."""
    return list(_survey(settings, name).problems)


def catalogue(settings: NiftiCohort) -> Catalogue:
    """Names of the participants and classes of a cohort without problems."""
    participants = read_table(settings, "")
    return Catalogue(
        tuple(participant.id for participant in participants),
        tuple(sorted({participant.label or "" for participant in participants})),
        columns=columns_of(participants),
    )


def shape(settings: NiftiCohort) -> tuple[int, ...] | None:
    """Sides of the slab, from the header of the first file that has one; None where none has."""
    if _pattern_fault(settings.pattern):
        return None
    try:
        participants = read_table(settings, "")
    except DataError:
        return None
    for participant in participants:
        with suppress(DataError):
            if is_safe(participant.id):
                return settings.cut(read_shape(_file(settings, participant.id)))
    return None


def load(settings: NiftiCohort, name: str, seed: int) -> Dataset:
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
        facts={**_facts(settings, grid), "columns": _columns(participants)},
    )


def _survey(settings: NiftiCohort, name: str) -> _Survey:
    where = f"datasets.{name}"
    try:
        participants = read_table(settings, where)
    except DataError as error:
        return _Survey((), (error.problem, *_pattern_problems(settings, where)), None, None)
    problems = [
        *participant_problems(participants, settings.root / TABLE),
        *class_problems(participants, settings, where),
        *_pattern_problems(settings, where),
    ]
    if _pattern_fault(settings.pattern):
        return _Survey(participants, tuple(problems), None, None)
    files = {p.id: _file(settings, p.id) for p in participants if is_safe(p.id)}
    found, grid, nonzero = _survey_volumes(files, settings, name)
    wrong, mask = _survey_mask(settings, grid, nonzero, f"{where}.mask")
    return _Survey(participants, (*problems, *found, *wrong), grid, mask)


# --- the files --------------------------------------------------------------------------------


def _pattern_problems(settings: NiftiCohort, where: str) -> Iterator[Problem]:
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


def _file(settings: NiftiCohort, id: str) -> Path:
    return settings.root / settings.pattern.format(**{ID: id})


def _survey_volumes(
    files: Mapping[str, Path], settings: NiftiCohort, name: str
) -> tuple[list[Problem], Grid | None, np.ndarray | None]:
    """Problems of the volumes, the grid of most of them, and the voxels non-zero on it in all."""
    problems: dict[str, list[Problem]] = {id: [] for id in files}
    seen: dict[str, _Seen] = {}
    nonzero: dict[Grid, np.ndarray] = {}
    grids: list[Grid] = []
    cut = slab_slices(settings.slab)
    for id, file in track(files.items(), f"checking {name}", total=len(files)):
        try:
            volume = read_volume(file)
        except DataError as error:
            problems[id].append(error.problem)
            continue
        grid = _known_grid(volume, grids)
        faults = [*_space_problems(volume), *_value_problems(volume, cut, settings)]
        problems[id] += faults
        seen[id] = _Seen(file, grid, _scale(volume), digest(volume.voxels.tobytes()))
        if not faults:
            here = volume.voxels[cut] != 0
            nonzero[grid] = nonzero[grid] & here if grid in nonzero else here
    if not seen:
        return _all_within(problems), None, None
    counts = Counter(one.grid for one in seen.values())
    common = counts.most_common(1)[0][0]
    for id, one in seen.items():
        problems[id] += _grid_problems(one.file, one.grid, common)
    for id, problem in (*_scale_problems(seen), *_copy_problems(seen)):
        problems[id].append(problem)
    beyond = _slab_problems(common, settings.slab, f"datasets.{name}.slab")
    return [*beyond, *_all_within(problems)], common, nonzero.get(common)


def _all_within(problems: Mapping[str, Iterable[Problem]]) -> list[Problem]:
    return [_within(id, problem) for id, found in problems.items() for problem in found]


def _known_grid(volume: Volume, grids: list[Grid]) -> Grid:
    """The one of the grids that the volume is on, to which its own is added if there is none."""
    for grid in grids:
        same = volume.voxels.shape == grid.shape
        if same and np.allclose(volume.affine, grid.affine, rtol=0, atol=AFFINE_TOLERANCE):
            return grid
    grids.append(Grid(volume.file, volume.voxels.shape, volume.affine, volume.codes))
    return grids[-1]


def _scale(volume: Volume) -> float:
    """Of its values: the 99th percentile of the sizes of those that are finite and not 0."""
    sizes = np.abs(volume.voxels[np.isfinite(volume.voxels) & (volume.voxels != 0)])
    return float(np.percentile(sizes, 99)) if sizes.size else 0.0


def _scale_problems(seen: Mapping[str, "_Seen"]) -> Iterator[tuple[str, Problem]]:
    """Volumes whose values are in another unit than those of the others, as it seems."""
    scales = [one.scale for one in seen.values() if one.scale]
    usual = float(np.median(scales)) if scales else 0.0
    for id, one in seen.items():
        if one.scale and not usual / OTHER_UNIT < one.scale < usual * OTHER_UNIT:
            yield (
                id,
                Problem(
                    str(one.file),
                    f"its values reach {one.scale:.3g}, those of the others {usual:.3g}",
                    "it seems to be in another unit: scale it as the others",
                ),
            )


def _copy_problems(seen: Mapping[str, "_Seen"]) -> Iterator[tuple[str, Problem]]:
    """Volumes that hold what another participant's holds, which might be in another fold."""
    first: dict[str, str] = {}
    for id, one in seen.items():
        other = first.setdefault(one.digest, id)
        # Of empty volumes another problem tells.
        if other != id and one.scale:
            what = f"holds the same voxels as that of {other}"
            yield id, Problem(str(one.file), what, "replace the copy, or remove the row")


def _within(where: str, problem: Problem) -> Problem:
    return Problem(f"{where}: {problem.where}", problem.what, problem.remedy)


def _slab_problems(grid: Grid, slab: Slab | None, where: str) -> Iterator[Problem]:
    if slab is not None and slab.stop > grid.shape[slab.axis]:
        side = grid.shape[slab.axis]
        yield Problem(
            where,
            f"stop={slab.stop} is beyond the {side} slices on axis {slab.axis} of {grid.file}",
            f"set stop to at most {side}",
        )


def _space_problems(volume: Volume) -> Iterator[Problem]:
    """Whether the file itself says where its voxels are, and says it once."""
    file = str(volume.file)
    if not (np.isfinite(volume.affine).all() and np.linalg.det(volume.affine)):
        yield Problem(file, "its affine cannot be inverted", "correct its sform or qform")
    elif not any(volume.codes.values()):
        what = "does not say where left and right are (sform_code and qform_code are 0)"
        yield Problem(file, what, "set one of them, with its affine")
    elif volume.other_affine is not None:
        one, other = orientation(volume.affine), orientation(volume.other_affine)
        if one != other:
            what = f"its sform says it is stored as {one}, its qform as {other}"
            yield Problem(file, what, "find out which is right, and write it to both")


def _grid_problems(file: Path, grid: Grid, common: Grid) -> Iterator[Problem]:
    """How the volume's shape, orientation or affine is not that of the cohort."""
    if grid is common:
        return
    if grid.shape != common.shape:
        yield Problem(
            str(file),
            f"its shape {sides(grid.shape)} is not the {sides(common.shape)} of {common.file}",
            "resample it to that grid",
        )
    if not (np.isfinite(grid.affine).all() and np.linalg.det(grid.affine)):
        return
    one, other = orientation(grid.affine), orientation(common.affine)
    if one != other:
        yield Problem(
            str(file),
            f"is stored as {one}, {common.file} as {other}",
            f"reorient it to {other}; never by changing the header alone",
        )
    elif not np.allclose(grid.affine, common.affine, rtol=0, atol=AFFINE_TOLERANCE):
        yield Problem(
            str(file),
            f"its affine {numbers_of(grid.affine)} is not that of {common.file},"
            f" {numbers_of(common.affine)}",
            "resample it to that grid",
        )


def _number_problems(volume: Volume, cut: tuple[slice, ...]) -> Iterator[Problem]:
    """What is wrong with the numbers inside the slab, whatever they mean."""
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


def _value_problems(
    volume: Volume, cut: tuple[slice, ...], settings: NiftiCohort
) -> Iterator[Problem]:
    """What is wrong with the numbers inside the slab, and whether they are what is expected."""
    yield from _number_problems(volume, cut)
    if settings.expected_values is None:
        return
    voxels = volume.voxels[cut]
    low, high = settings.expected_values
    beyond = np.isfinite(voxels) & ((voxels < low) | (voxels > high))
    if beyond.any():
        lowest, highest = float(voxels[beyond].min()), float(voxels[beyond].max())
        yield Problem(
            str(volume.file),
            f"{int(beyond.sum())} voxel(s), of {lowest:.4g} to {highest:.4g}, are not within"
            f" {low:g} to {high:g}",
            "it seems to be in another unit: scale it, or set value_range",
        )


def _survey_mask(
    settings: NiftiCohort, grid: Grid | None, nonzero: np.ndarray | None, where: str
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
    own = Grid(volume.file, volume.voxels.shape, volume.affine, volume.codes)
    problems = list(_space_problems(volume))
    problems += [] if grid is None else _grid_problems(volume.file, own, grid)
    problems += _number_problems(volume, cut)
    return [_within(where, problem) for problem in problems], volume.voxels[cut] != 0


# --- the dataset ------------------------------------------------------------------------------


def _read_images(
    settings: NiftiCohort, name: str, participants: tuple[Participant, ...], grid: Grid
) -> np.ndarray:
    """(n, 1, *slab) float32."""
    cut = slab_slices(settings.slab)
    shape = settings.cut(grid.shape)
    images = np.empty((len(participants), 1, *shape), dtype=np.float32)
    for index, participant in enumerate(track(participants, f"reading {name}")):
        images[index, 0] = read_volume(_file(settings, participant.id)).voxels[cut]
    return images


def _sources(settings: NiftiCohort, participants: tuple[Participant, ...]) -> dict[str, str]:
    """Checksum of each file by its path relative to root; of the mask, by its path as given."""
    files = [settings.root / TABLE, *(_file(settings, p.id) for p in participants)]
    sources = {_relative(settings, file): sha256(file) for file in files}
    if settings.mask is not None:
        sources[str(settings.mask)] = sha256(settings.mask)
    return sources


def _relative(settings: NiftiCohort, file: Path) -> str:
    return file.relative_to(settings.root).as_posix()


def _columns(participants: Sequence[Participant]) -> dict[str, dict[str, str | float | None]]:
    """{column: {participant: number or text, None where missing}}."""
    ids = [participant.id for participant in participants]
    return {
        name: dict(zip(ids, values, strict=True))
        for name, values in columns_of(participants).items()
    }


def _facts(settings: NiftiCohort, grid: Grid) -> dict[str, Any]:
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
