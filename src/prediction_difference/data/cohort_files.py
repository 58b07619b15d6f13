"""A simulated cohort as a folder of NIfTI files, with what is true of it beside them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data import anatomy, simulated_fa
from prediction_difference.data.simulated_fa import CLASS_NAMES, COLUMNS, Subject
from prediction_difference.data.sources.simulated_fa import SHAPE as SIMULATED_SHAPE
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.data.volumes import write_volume
from prediction_difference.errors import DataError
from prediction_difference.files import publishing, write_json, write_text
from prediction_difference.progress import track

PATTERN = "{participant_id}/dwi/{participant_id}_FA.nii.gz"
"""Where a subject's volume is; the key `pattern` of a nifti-cohort."""
MASK = "brain_mask.nii.gz"
TRUTH = "ground_truth"
"""Folder of what no real cohort knows, so that nobody takes it for one of its columns."""
_MEANINGS = {
    "group": {
        "Description": "class of the subject",
        "Levels": {"control": "without lesions", "patient": "every region is hit with chance .6"},
    },
    "age": {"Description": "simulated age", "Units": "year"},
    "scanner": {
        "Description": "simulated scanner",
        "Levels": {"scanner-1": "the first", "scanner-2": "reads FA 3 % too high"},
    },
}


def write_cohort(settings: SimulatedFA, seed: int, folder: Path) -> None:
    """Write the cohort that `simulated_fa.load` makes of these settings: the same float32 numbers.

    The folder holds sub-*/dwi/sub-*_FA.nii.gz (whole brain, 91 x 109 x 91 voxels of 2 mm, MNI
    space), participants.tsv and .json, brain_mask.nii.gz, and in ground_truth/ hits.tsv (one row a
    hit region of a patient, with its severity, mean 1), regions.nii.gz (1 to 6; 0: none),
    regions.tsv and simulation.json. `slab` and `folds` of the settings play no part.

    Raises:
        DataError: the folder is there and not empty, or the template is no FA.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(folder, "is there already", "choose another folder, or remove it")
    brain = anatomy.load_anatomy(settings.template)
    subjects = simulated_fa.cohort(settings, seed)
    with publishing(folder) as temporary:
        temporary.mkdir()
        for subject in track(subjects, "simulating the cohort"):
            file = temporary / PATTERN.format(participant_id=subject.name)
            voxels = simulated_fa.volume(subject, brain, settings.effect)
            write_volume(file, voxels, anatomy.GRID_AFFINE)
        mask = brain.mask.astype(np.uint8)
        write_volume(temporary / MASK, mask, anatomy.GRID_AFFINE)
        _write_participants(temporary, subjects)
        _write_truth(temporary / TRUTH, settings, seed, subjects, brain)


def _write_participants(folder: Path, subjects: Sequence[Subject]) -> None:
    rows = [
        (subject.name, CLASS_NAMES[subject.is_patient], *(of(subject) for of in COLUMNS.values()))
        for subject in subjects
    ]
    _write_table(folder / "participants.tsv", ("participant_id", "group", *COLUMNS), rows)
    write_json(folder / "participants.json", _MEANINGS)
    description = {
        "Name": "Simulated cohort of fractional-anisotropy volumes",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "prediction-difference simulate-cohort"}],
    }
    write_json(folder / "dataset_description.json", description)


def _write_truth(
    folder: Path,
    settings: SimulatedFA,
    seed: int,
    subjects: Sequence[Subject],
    brain: anatomy.Anatomy,
) -> None:
    hits = [
        (subject.name, region, repr(severity))
        for subject in subjects
        for region, severity in subject.severities.items()
    ]
    numbers = {region: number for number, region in enumerate(brain.regions, start=1)}
    write_volume(folder / "regions.nii.gz", region_labels(brain.regions), anatomy.GRID_AFFINE)
    _write_table(folder / "hits.tsv", ("participant_id", "region", "severity"), hits)
    regions = [
        (number, region, int(brain.regions[region].sum())) for region, number in numbers.items()
    ]
    _write_table(folder / "regions.tsv", ("index", "name", "voxels"), regions)
    made_with: dict[str, Any] = settings.model_dump(
        mode="json", include={"patients", "controls", "effect", "template"}
    )
    write_json(folder / "simulation.json", {**made_with, "seed": seed})


def region_labels(regions: Mapping[str, np.ndarray]) -> np.ndarray:
    """(91, 109, 91) int16: number of each voxel's region, from 1 in their order; 0: none."""
    labels = np.zeros(SIMULATED_SHAPE, dtype=np.int16)
    for number, inside in enumerate(regions.values(), start=1):
        labels[inside] = number
    return labels


def _write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = ["\t".join(map(str, row)) for row in (columns, *rows)]
    write_text(file, "\n".join(lines) + "\n")


def read_hits(folder: Path) -> dict[str, dict[str, float]]:
    """{subject: {region: severity}} of a written cohort; subjects without a hit are left out.

    Raises:
        DataError: the folder holds no ground truth.
    """
    file = folder / TRUTH / "hits.tsv"
    if not file.is_file():
        raise DataError(file, "there is no such file", "write the cohort with simulate-cohort")
    hits: dict[str, dict[str, float]] = {}
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        subject, region, severity = line.split("\t")
        hits.setdefault(subject, {})[region] = float(severity)
    return hits
