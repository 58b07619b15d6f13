"""A cohort written as files is the simulated one, to the last bit, and says what is true of it."""

import csv
import json

import nibabel
import numpy as np
import pytest

from prediction_difference.data import nifti_cohort, simulated_fa
from prediction_difference.data.anatomy import GRID_AFFINE, load_anatomy
from prediction_difference.data.cohort_files import MASK, PATTERN, read_hits, write_cohort
from prediction_difference.data.source import Slab
from prediction_difference.data.sources.nifti_cohort import NiftiCohort
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.data.volumes import write_volume
from prediction_difference.errors import DataError

SLAB = Slab(start=29, stop=41)


def settings(**keys):
    return SimulatedFA(
        source="simulated-fa", **{"patients": 2, "controls": 2, "folds": 2, "slab": SLAB, **keys}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("written") / "cohort"
    write_cohort(settings(effect=0.7), 5, place)
    return place


def rows(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def test_files_and_memory_hold_the_same_cohort(folder):
    written = NiftiCohort(
        source="nifti-cohort", root=folder, pattern=PATTERN, mask=folder / MASK, slab=SLAB, folds=2
    )
    assert nifti_cohort.check(written, "cohort") == []
    files = nifti_cohort.load(written, "cohort", seed=5)
    memory = simulated_fa.load(settings(effect=0.7), "cohort", seed=5)
    assert files.images.dtype == memory.images.dtype == np.float32
    assert np.array_equal(files.images, memory.images)
    assert np.array_equal(files.mask, memory.mask)
    assert np.array_equal(files.affine, memory.affine)
    for same in ("names", "class_names", "split"):
        assert getattr(files, same) == getattr(memory, same)
    assert np.array_equal(files.labels, memory.labels)
    for column in ("age", "scanner"):
        assert files.column(column) == memory.column(column)


def test_volumes_say_where_they_are(folder):
    image = nibabel.load(folder / PATTERN.format(participant_id="sub-01"))
    assert image.shape == (91, 109, 91)
    assert image.get_data_dtype() == np.float32
    assert image.header.get_xyzt_units()[0] == "mm"
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (4, 4)
    assert np.array_equal(image.affine, GRID_AFFINE)
    assert np.allclose(image.header.get_qform(), GRID_AFFINE)


def test_the_truth_is_that_of_the_simulation(folder):
    facts = simulated_fa.load(settings(effect=0.7), "cohort", seed=5).facts
    hits = read_hits(folder)
    assert hits == {subject: found for subject, found in facts["hits"].items() if found}
    assert set(hits) <= {"sub-03", "sub-04"}, "patients come last"
    labels = nibabel.load(folder / "ground_truth" / "regions.nii.gz").get_fdata()
    for row in rows(folder / "ground_truth" / "regions.tsv"):
        inside = load_anatomy().regions[row["name"]]
        assert np.array_equal(labels == int(row["index"]), inside)
        assert int(row["voxels"]) == inside.sum()
    made_with = json.loads((folder / "ground_truth" / "simulation.json").read_text())
    assert made_with == {"patients": 2, "controls": 2, "effect": 0.7, "template": None, "seed": 5}


def test_every_column_is_described(folder):
    described = json.loads((folder / "participants.json").read_text())
    assert set(described) == set(rows(folder / "participants.tsv")[0]) - {"participant_id"}


def test_what_is_there_is_not_overwritten(folder):
    with pytest.raises(DataError, match="is there already; choose another folder"):
        write_cohort(settings(), 5, folder)


def test_the_same_voxels_are_the_same_bytes(tmp_path, generator):
    voxels = generator.random((3, 4, 5), dtype=np.float32)
    for name in ("one", "two"):
        write_volume(tmp_path / f"{name}.nii.gz", voxels, GRID_AFFINE)
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "two.nii.gz").read_bytes()


def test_truth_is_missed_where_it_is_not(tmp_path):
    with pytest.raises(DataError, match=r"hits.tsv: there is no such file"):
        read_hits(tmp_path)


# --- templates --------------------------------------------------------------------------------


@pytest.fixture
def ball(tmp_path):
    """A template of a ball of FA .5 around the middle of the brain, on a grid of 4 mm."""
    shape, affine = (
        (45, 54, 45),
        np.array([[4.0, 0, 0, -90], [0, 4, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]]),
    )
    points = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    fa = 0.5 * (np.linalg.norm(points - (0, -18, 10), axis=-1) < 50)
    file = tmp_path / "template.nii.gz"
    write_volume(file, fa.astype(np.float32), affine)
    return file


def test_a_template_is_put_on_the_grid_with_its_own_mask(ball):
    brain = load_anatomy(ball)
    assert brain.mean_fa.shape == (91, 109, 91)
    litres = brain.mask.sum() * 8e-6
    assert litres == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=0.15)
    points = np.moveaxis(np.indices(brain.mask.shape), 0, -1)[brain.mask]
    centre = points.mean(0) @ GRID_AFFINE[:3, :3].T + GRID_AFFINE[:3, 3]
    assert np.allclose(centre, (0, -18, 10), atol=1.5)
    cohort = simulated_fa.load(settings(template=ball), "cohort", seed=0)
    assert np.array_equal(cohort.mask, brain.mask[29:41])
    assert str(ball) in cohort.sources


def test_a_template_that_is_no_fa_is_told_before_the_first_job(ball, tmp_path):
    write_volume(
        tmp_path / "t1.nii.gz", np.full((4, 4, 4), 800, np.float32), np.diag([40.0] * 3 + [1])
    )
    (problem,) = simulated_fa.check(settings(template=tmp_path / "t1.nii.gz"), "cohort")
    assert "datasets.cohort.template: " in problem.where
    assert problem.what == "holds values of 800 to 800, FA lies in 0 to 1"
    (problem,) = simulated_fa.check(settings(template=tmp_path / "none.nii.gz"), "cohort")
    assert problem.what == "there is no such file"
    far = np.eye(4)
    far[:3, 3] = 1000
    write_volume(tmp_path / "far.nii.gz", np.full((4, 4, 4), 0.5, np.float32), far)
    (problem,) = simulated_fa.check(settings(template=tmp_path / "far.nii.gz"), "cohort")
    assert problem.remedy == "choose a template in MNI space"


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["MNI_FA_template.nii.gz", "JHU-ICBM-FA-2mm.nii.gz"])
def test_real_templates_hold_a_brain_whose_regions_are_white_matter(pda_data, name):
    brain = load_anatomy(pda_data / "brain" / name)
    assert 1.2 < brain.mask.sum() * 8e-6 < 2.3, "litres"
    assert brain.mean_fa.max() <= 1
    for region, inside in brain.regions.items():
        assert inside.sum() > 150, region
        assert brain.mean_fa[inside].mean() > 0.3, region
