"""A folder with one of each kind of bad file: all of it is told, by subject, file and remedy."""

import gzip

import nibabel
import numpy as np
import pytest

from prediction_difference.data import nifti_cohort
from prediction_difference.data.sources.nifti_cohort import NiftiCohort

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
SHAPE = (5, 6, 7)
SOUND = ("sub-01", "sub-02", "sub-03", "sub-04")
PATTERN = "{participant_id}/dwi/{participant_id}_FA.nii.gz"


def fa(id, shape=SHAPE):
    values = np.random.default_rng(list(id.encode())).uniform(0.05, 0.9, shape)
    return values.astype(np.float32)


def save(root, id, voxels=None, affine=AFFINE, codes=(2, 2)):
    voxels = fa(id) if voxels is None else voxels
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    file = root / PATTERN.format(participant_id=id)
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, file)
    return file


def with_one(voxels, value):
    voxels[2, 3, 4] = value
    return voxels


@pytest.fixture
def root(tmp_path):
    for id in SOUND:
        save(tmp_path, id)
    save(tmp_path, "sub-shape", fa("sub-shape", (5, 6, 8)))
    save(tmp_path, "sub-series", fa("sub-series", (*SHAPE, 3)))
    save(tmp_path, "sub-slice", fa("sub-slice", SHAPE[:2]))
    save(tmp_path, "sub-moved", affine=AFFINE + 3 * np.eye(4)[:, [3, 0, 1, 2]])
    save(tmp_path, "sub-flipped", affine=AFFINE @ np.diag([-1, 1, 1, 1]))
    save(tmp_path, "sub-nowhere", codes=(0, 0), affine=AFFINE)
    save(tmp_path, "sub-nan", with_one(fa("sub-nan"), np.nan))
    save(tmp_path, "sub-infinite", with_one(fa("sub-infinite"), np.inf))
    save(tmp_path, "sub-empty", 0 * fa("sub-empty"))
    save(tmp_path, "sub-thousands", 1000 * fa("sub-thousands"))
    save(tmp_path, "sub-copy", fa("sub-01"))
    save(tmp_path, "sub-complex", fa("sub-complex").astype(np.complex64))
    cut = save(tmp_path, "sub-cut")
    cut.write_bytes(cut.read_bytes()[:-100])
    shortened = save(tmp_path, "sub-shortened")
    shortened.write_bytes(gzip.compress(gzip.decompress(shortened.read_bytes())[:-100]))
    save(tmp_path, "sub-text").write_text("see the other folder")
    save(tmp_path, "sub-unlabelled")
    ids = sorted(path.name for path in tmp_path.iterdir())
    groups = {"sub-unlabelled": "n/a", "sub-empty": "hiv"}
    rows = [(id, groups.get(id, ("control", "hiv")[n % 2])) for n, id in enumerate(ids)]
    rows += [("sub-missing", "hiv"), ("sub-04", "hiv"), ("sub-pilot", "pilot"), ("../x", "hiv")]
    save(tmp_path, "sub-pilot")
    lines = ["participant_id\tgroup", *("\t".join(row) for row in rows)]
    (tmp_path / "participants.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


EXPECTED = {
    "participants.tsv: sub-04": "is listed 2 times; keep one row per participant",
    "participants.tsv: ../x": "participant_id '../x' leads to another folder; use a name without",
    "participants.tsv: sub-unlabelled": "has no class (empty or n/a); fill it in, or",
    "datasets.cohort.folds": "class 'pilot' has 1 participant(s), but needs 3; add participants",
    "sub-shape": "its shape 5 x 6 x 8 is not the 5 x 6 x 7 of",
    "sub-series": "is 4-D (5 x 6 x 7 x 3), not 3-D; extract the one volume to classify",
    "sub-slice": "is 2-D (5 x 6), not 3-D; save the whole volume",
    "sub-moved": "is not that of",
    "sub-flipped": "is stored as RAS, ",
    "sub-nowhere": "does not say where left and right are (sform_code and qform_code are 0)",
    "sub-nan": "1 voxel(s) are NaN or infinite; set them to 0, or mend what made them",
    "sub-infinite": "1 voxel(s) are NaN or infinite; set them to 0, or mend what made them",
    "sub-empty": "every voxel is 0; make it again, or remove the row",
    "sub-thousands": "are not within -0.1 to 1.3; it seems to be in another unit: scale it, or set",
    "sub-copy": "holds the same voxels as that of sub-01; replace the copy, or remove the row",
    "sub-complex": "its voxels are no real numbers (complex64); save it as float32",
    "sub-cut": "it may be cut short: copy or make it again",
    "sub-shortened": "it may be cut short: copy or make it again",
    "sub-text": "cannot be read (",
    "sub-missing": "there is no such file; add it, or correct the name",
}


def test_one_of_each_kind_is_told_in_one_pass(root):
    settings = NiftiCohort(source="nifti-cohort", root=root, pattern=PATTERN, folds=3)
    found = [
        str(problem).replace(f"{root}/", "") for problem in nifti_cohort.check(settings, "cohort")
    ]
    print("\n".join(found))
    for where, what in EXPECTED.items():
        told = [problem for problem in found if problem.startswith(f"{where}: ")]
        assert any(what in problem for problem in told), (where, told)
    others = [p for p in found if not p.startswith(tuple(f"{where}: " for where in EXPECTED))]
    assert others == []
    # Another unit is told by its range and beside the others, a lost orientation by its affine too.
    twice = {"sub-thousands", "sub-nowhere"}
    assert len(found) == len(EXPECTED) + len(twice)


def test_the_sound_ones_alone_have_no_problem(root):
    groups = ("control", "control", "hiv", "hiv")
    rows = [f"{id}\t{group}" for id, group in zip(SOUND, groups, strict=True)]
    (root / "participants.tsv").write_text("\n".join(["participant_id\tgroup", *rows]))
    settings = NiftiCohort(source="nifti-cohort", root=root, pattern=PATTERN, folds=2)
    assert nifti_cohort.check(settings, "cohort") == []
    assert nifti_cohort.load(settings, "cohort", seed=0).images.shape == (4, 1, *SHAPE)
