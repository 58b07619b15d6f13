"""A user's cohort comes through unchanged, and everything wrong with it is listed at once."""

import gzip
import json
import re

import nibabel
import numpy as np
import pytest

from prediction_difference.data import nifti_cohort
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.data.source import Slab
from prediction_difference.data.sources.nifti_cohort import NiftiCohort
from prediction_difference.errors import ConfigError, DataError
from prediction_difference.manifest import sha256

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
SHAPE = (4, 5, 6)
IDS = ("sub-b", "sub-a", "sub-c", "sub-d")
GROUPS = ("hiv", "control", "control", "hiv")


def settings(root, **keys):
    return NiftiCohort(source="nifti-cohort", root=root, **{"folds": 2, **keys})


def save(path, voxels, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def voxels_of(id, shape=SHAPE):
    """Positive, and different for every participant."""
    return np.random.default_rng(list(id.encode())).uniform(1, 99, shape).astype(np.float32)


def write_table(root, ids=IDS, groups=GROUPS, header="participant_id\tage\tgroup"):
    rows = [f"{id}\t50\t{group}" for id, group in zip(ids, groups, strict=True)]
    (root / "participants.tsv").write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture
def root(tmp_path):
    """A cohort without a fault."""
    write_table(tmp_path)
    for id in IDS:
        save(tmp_path / f"{id}.nii.gz", voxels_of(id))
    return tmp_path


def problems(root, **keys):
    return [str(problem) for problem in nifti_cohort.check(settings(root, **keys), "cohort")]


def only_problem(root, **keys):
    found = problems(root, **keys)
    assert len(found) == 1, found
    with pytest.raises(ConfigError, match=re.escape(found[0])):
        nifti_cohort.load(settings(root, **keys), "cohort", seed=0)
    return found[0]


# --- what comes through -----------------------------------------------------------------------


def test_a_sound_cohort_comes_through_unchanged(root):
    assert problems(root) == []
    cohort = nifti_cohort.load(settings(root), "cohort", seed=0)
    assert cohort.names == IDS
    assert cohort.class_names == ("control", "hiv")
    assert cohort.labels.tolist() == [1, 0, 0, 1]
    assert cohort.images.dtype == np.float32
    assert np.array_equal(cohort.images[:, 0], [voxels_of(id) for id in IDS])
    assert np.array_equal(cohort.affine, AFFINE)
    assert cohort.mask.all()
    assert cohort.held_out_splits == ("fold-00", "fold-01")


def test_the_shape_is_that_of_a_header_alone(root):
    assert nifti_cohort.shape(settings(root)) == SHAPE
    assert nifti_cohort.shape(settings(root, slab=Slab(axis=2, start=1, stop=4))) == (4, 5, 3)
    first = root / f"{IDS[0]}.nii.gz"
    first.write_bytes(gzip.compress(gzip.decompress(first.read_bytes())[:400], mtime=0))
    assert nifti_cohort.shape(settings(root)) == SHAPE
    first.unlink()
    assert nifti_cohort.shape(settings(root)) == SHAPE
    assert nifti_cohort.shape(settings(root, pattern="{other}.nii.gz")) is None
    assert nifti_cohort.shape(settings(root / "nowhere")) is None


def test_sources_and_facts_name_the_files_and_their_space(root, tmp_path):
    cohort = nifti_cohort.load(settings(root), "cohort", seed=0)
    assert set(cohort.sources) == {"participants.tsv", *(f"{id}.nii.gz" for id in IDS)}
    assert cohort.sources["sub-a.nii.gz"] == sha256(root / "sub-a.nii.gz")
    assert json.loads(json.dumps(cohort.facts)) == cohort.facts
    assert cohort.facts["orientation"] == "LAS"
    assert cohort.facts["sform_code"] == 2
    write_dataset(cohort, tmp_path / "cohort.zarr")
    assert np.array_equal(read_dataset(tmp_path / "cohort.zarr").images, cohort.images)


def test_a_slab_is_a_crop_and_keeps_its_place_in_space(root):
    slab = Slab(axis=1, start=2, stop=5)
    cohort = nifti_cohort.load(settings(root, slab=slab), "cohort", seed=0)
    assert np.array_equal(cohort.images[0, 0], voxels_of("sub-b")[:, 2:5])
    assert np.allclose(cohort.affine @ [0, 0, 0, 1], AFFINE @ [0, 2, 0, 1])
    assert cohort.mask.shape == cohort.spatial == (4, 3, 6)
    assert cohort.facts["slab"]["first_slice_mm"][1] == -122


def test_bids_folders_and_integer_volumes_with_a_scale(tmp_path):
    write_table(tmp_path)
    for id in IDS:
        stored = (voxels_of(id) / 33).astype(np.int16)
        image = nibabel.Nifti1Image(stored, AFFINE)
        image.header.set_slope_inter(0.125, 0.25)
        file = tmp_path / id / "dwi" / f"{id}_FA.nii"
        file.parent.mkdir(parents=True)
        nibabel.save(image, file)
    pattern = "{participant_id}/dwi/{participant_id}_FA.nii"
    cohort = nifti_cohort.load(settings(tmp_path, pattern=pattern), "cohort", seed=0)
    stored = nibabel.load(tmp_path / "sub-a" / "dwi" / "sub-a_FA.nii").get_fdata()
    assert np.allclose(cohort.images[1, 0], stored)
    assert set(np.unique(stored)) <= {0.25, 0.375, 0.5, 0.625}
    assert "sub-a/dwi/sub-a_FA.nii" in cohort.sources


def test_without_a_mask_voxels_count_that_are_non_zero_in_everyone(root):
    holes = voxels_of("sub-a")
    holes[0, 0, 0] = 0
    save(root / "sub-a.nii.gz", holes)
    mask = nifti_cohort.load(settings(root), "cohort", seed=0).mask
    assert not mask[0, 0, 0]
    assert mask.sum() == mask.size - 1


def test_a_mask_is_read_and_cut(root):
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[1:3, 2] = 1
    save(root / "mask.nii.gz", mask)
    keys = {"mask": root / "mask.nii.gz", "slab": Slab(start=1, stop=4)}
    cohort = nifti_cohort.load(settings(root, **keys), "cohort", seed=0)
    assert np.array_equal(cohort.mask, mask[1:4] == 1)
    assert cohort.sources[str(root / "mask.nii.gz")] == sha256(root / "mask.nii.gz")


def test_a_table_with_a_byte_order_mark_and_blank_lines_is_read(root):
    table = root / "participants.tsv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes() + b"\n\n")
    assert problems(root) == []


# --- the table --------------------------------------------------------------------------------


def test_missing_folder(tmp_path):
    found = only_problem(tmp_path / "nowhere")
    assert re.search(r"datasets.cohort.root: .*nowhere is no folder; correct the path", found)


def test_missing_table(root):
    (root / "participants.tsv").unlink()
    found = only_problem(root)
    assert re.search(r"participants.tsv: there is no such file; write one with the columns", found)


def test_missing_columns_are_named_with_those_that_are_there(root):
    write_table(root, header="subject,age,group\tb\tc")
    found = only_problem(root)
    assert "has no column 'participant_id' and no column 'group'" in found
    assert "its columns are 'subject,age,group', 'b', 'c'" in found


def test_table_that_is_no_text(root):
    (root / "participants.tsv").write_bytes(b"participant_id\tgroup\n\xff\xfe\tx\n")
    assert re.search(r"participants.tsv: cannot be read .*save it as UTF-8", only_problem(root))


def test_no_participants(root):
    write_table(root, (), ())
    assert "lists no participants; add a row" in only_problem(root)


def test_a_participant_listed_twice(root):
    write_table(root, (*IDS, "sub-a"), (*GROUPS, "hiv"))
    assert "sub-a: is listed 2 times; keep one row" in only_problem(root)


@pytest.mark.parametrize("missing", ["", "n/a", " "])
def test_missing_class(root, missing):
    save(root / "sub-e.nii.gz", voxels_of("sub-e"))
    write_table(root, (*IDS, "sub-e"), (*GROUPS, missing))
    assert "sub-e: has no class (empty or n/a); fill it in" in only_problem(root)


def test_missing_cells_at_the_end_of_a_row(root):
    with (root / "participants.tsv").open("a") as table:
        table.write("sub-a\n")
    found = problems(root)
    assert any("sub-a: has no class" in problem for problem in found)
    assert any("sub-a: is listed 2 times" in problem for problem in found)


def test_missing_id(root):
    write_table(root, (*IDS, ""), (*GROUPS, "hiv"))
    assert "participants.tsv: 1 row(s) have no participant_id" in only_problem(root)


@pytest.mark.parametrize("id", ["../sub-a", "a/b", "..", "a\\b", "/etc/passwd"])
def test_an_id_that_leads_to_another_folder(root, id):
    write_table(root, (*IDS, id), (*GROUPS, "hiv"))
    assert "leads to another folder; use a name without / \\ and .." in only_problem(root)


def test_a_single_class(root):
    write_table(root, IDS, ("hiv",) * 4)
    assert "every participant is of class 'hiv' in column 'group'; add" in only_problem(root)


def test_fewer_of_a_class_than_folds(root):
    found = problems(root, folds=3)
    assert len(found) == 2
    assert "datasets.cohort.folds: class 'hiv' has 2 participant(s), but needs 3" in found[1]
    assert "set folds to at most 2, or add participants" in found[1]


def test_one_of_a_class_cannot_be_tested(root):
    write_table(root, IDS, ("hiv", "control", "control", "control"))
    found = only_problem(root, folds=None, test_fraction=0.5)
    assert "datasets.cohort.test_fraction: class 'hiv' has 1 participant(s), but needs 2" in found


# --- the pattern ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{subject}.nii.gz", "unknown placeholder {subject}"),
        ("{}.nii.gz", "unknown placeholder {}"),
        ("{participant_id.__class__}.nii", "unknown placeholder {participant_id.__class__}"),
        ("{participant_id:>5}.nii", "changes {participant_id}"),
        ("{participant_id!r}.nii", "changes {participant_id}"),
        ("{participant_id.nii", "is no pattern (expected '}'"),
        ("fa.nii.gz", "has no placeholder {participant_id}"),
        ("../{participant_id}.nii.gz", "leads out of root"),
        ("/{participant_id}.nii.gz", "leads out of root"),
    ],
)
def test_a_pattern_that_cannot_be_used(root, pattern, reason):
    found = only_problem(root, pattern=pattern)
    assert found.startswith(f"datasets.cohort.pattern: {pattern!r}")
    assert reason in found
    assert "write it like {participant_id}/{participant_id}_FA.nii.gz" in found


# --- the files --------------------------------------------------------------------------------


def test_missing_file(root):
    (root / "sub-a.nii.gz").unlink()
    assert re.match(r"sub-a: .*sub-a.nii.gz: there is no such file; add it", only_problem(root))


def test_truncated_compressed_file(root):
    file = root / "sub-a.nii.gz"
    file.write_bytes(file.read_bytes()[:-120])
    found = only_problem(root)
    assert re.match(r"sub-a: .*sub-a.nii.gz: cannot be read .*; it may be cut short", found)


def _garbled(raw: bytes) -> bytes:
    return raw[:60] + bytes((0, 0x55)) * 64 + raw[188:]


def _overwritten(raw: bytes) -> bytes:
    half = len(raw) // 2
    return raw[:half] + bytes(64) + raw[half + 64 :]


def _cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


@pytest.mark.parametrize("damage", [_garbled, _overwritten, _cut])
def test_damaged_compressed_files_even_where_nibabel_does_not_notice(root, damage):
    for id in IDS:
        save(root / f"{id}.nii.gz", voxels_of(id, (40, 40, 40)).round())
    file = root / "sub-a.nii.gz"
    file.write_bytes(damage(file.read_bytes()))
    found = only_problem(root)
    assert re.match(r"sub-a: .*sub-a.nii.gz: cannot be read \(.*\); it may be cut short", found)


def test_truncated_file_is_found_outside_the_slab_too(root):
    pattern = "{participant_id}.nii"
    for id in IDS:
        save(root / f"{id}.nii", voxels_of(id))
    file = root / "sub-a.nii"
    file.write_bytes(file.read_bytes()[:-8])
    found = only_problem(root, pattern=pattern, slab=Slab(axis=2, start=0, stop=2))
    assert re.match(r"sub-a: .*sub-a.nii: cannot be read .*; it may be cut short", found)


@pytest.mark.parametrize(
    "contents",
    [b"", b"not an image", gzip.compress(b"nor is this", mtime=0)],
    ids=["empty", "no image", "no image, compressed"],
)
def test_a_file_that_is_no_image(root, contents):
    (root / "sub-a.nii.gz").write_bytes(contents)
    assert re.match(r"sub-a: .*sub-a.nii.gz: cannot be read", only_problem(root))


def test_an_image_of_another_format(root):
    nibabel.save(nibabel.MGHImage(voxels_of("x"), AFFINE), root / "sub-a.mgz")
    with pytest.raises(DataError, match=r"sub-a.mgz: is no NIfTI file but MGHImage; convert it"):
        nifti_cohort.read_volume(root / "sub-a.mgz")


def test_a_header_that_promises_more_than_any_memory_holds(root):
    image = nibabel.Nifti1Image(voxels_of("sub-b"), AFFINE)
    raw = bytearray(image.to_bytes())
    raw[42:48] = np.array([32767, 32767, 32767], dtype="<i2").tobytes()
    (root / "sub-b.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    found = problems(root)
    assert re.match(r"sub-b: .*sub-b.nii.gz: cannot be read", found[0])


def test_4d_file(root):
    save(root / "sub-a.nii.gz", voxels_of("sub-a", (*SHAPE, 2)))
    assert "is 4-D (4 x 5 x 6 x 2), not 3-D; extract the one volume" in only_problem(root)


def test_complex_file(root):
    save(root / "sub-a.nii.gz", voxels_of("sub-a").astype(np.complex64))
    assert "its voxels are no real numbers (complex64)" in only_problem(root)


def test_shape_unlike_the_first(root):
    save(root / "sub-a.nii.gz", voxels_of("sub-a", (4, 5, 7)))
    found = only_problem(root)
    assert re.match(r"sub-a: .*its shape 4 x 5 x 7 is not the 4 x 5 x 6 of .*sub-b.nii.gz", found)
    assert found.endswith("resample it to that grid")


def test_affine_unlike_the_others(root):
    moved = AFFINE + np.eye(4)[:, [3, 0, 1, 2]]
    save(root / "sub-a.nii.gz", voxels_of("sub-a"), moved)
    found = only_problem(root)
    assert re.match(r"sub-a: .*its affine \[\[-2.0, .* is not that of .*sub-b.nii.gz", found)


def test_the_odd_one_is_told_even_if_it_is_the_first(root):
    save(root / "sub-b.nii.gz", voxels_of("sub-b"), AFFINE @ np.diag([-1, 1, 1, 1]))
    found = only_problem(root)
    assert re.match(r"sub-b: .*is stored as RAS, .*sub-a.nii.gz as LAS; reorient it to LAS", found)


def test_a_file_that_does_not_tell_left_from_right(root):
    image = nibabel.Nifti1Image(voxels_of("sub-a"), AFFINE)
    image.set_sform(AFFINE, 0)
    image.set_qform(AFFINE, 0)
    nibabel.save(image, root / "sub-a.nii.gz")
    assert any("does not say where left and right are" in problem for problem in problems(root))


def test_two_headers_that_contradict_each_other(root):
    image = nibabel.Nifti1Image(voxels_of("sub-a"), AFFINE)
    image.set_qform(AFFINE @ np.diag([-1, 1, 1, 1]), 1)
    nibabel.save(image, root / "sub-a.nii.gz")
    assert "its sform says it is stored as LAS, its qform as RAS" in only_problem(root)


# --- units ------------------------------------------------------------------------------------

FA = "{participant_id}_FA.nii.gz"


def save_fa(root, ids=IDS, scale=1.0):
    for id in ids:
        save(root / f"{id}_FA.nii.gz", voxels_of(id) / 99 * np.float32(scale))


def test_fa_must_look_like_fa(root):
    save_fa(root)
    assert problems(root, pattern=FA) == []
    save_fa(root, scale=1000)
    found = problems(root, pattern=FA)
    assert len(found) == 4
    assert re.match(
        r"sub-b: .*voxel\(s\), of .* are not within -0.1 to 1.3; it seems to be", found[0]
    )
    assert problems(root, pattern=FA, value_range="any") == []


def test_a_range_of_another_quantity(root):
    assert problems(root, value_range=(0, 100)) == []
    dark = voxels_of("sub-a")
    dark[0, 0, 0] = -3
    save(root / "sub-a.nii.gz", dark)
    found = only_problem(root, value_range=(0, 100))
    assert re.search(r"1 voxel\(s\), of -3 to -3, are not within 0 to 100", found)


def test_one_volume_in_another_unit_is_told_whatever_the_quantity(root):
    save(root / "sub-a.nii.gz", voxels_of("sub-a") * 1000)
    assert re.match(r"sub-a: .*its values reach 9.*e\+04, those of the others", only_problem(root))


def test_an_empty_range_is_refused(root):
    with pytest.raises(ValueError, match="value_range is empty; give the lowest"):
        settings(root, value_range=(1, 0))


def test_a_copy_of_another_participant(root):
    save(root / "sub-d.nii.gz", voxels_of("sub-a"))
    assert "sub-d.nii.gz: holds the same voxels as that of sub-a; replace" in only_problem(root)


def test_other_columns_are_kept_as_numbers_or_texts(root):
    lines = ["participant_id\tage\tgroup\tscanner\tsex"]
    lines += [
        f"{i}\t{a}\t{g}\t{s}\tn/a"
        for i, a, g, s in zip(IDS, (50, 41.5, "n/a", 60), GROUPS, "ABBA", strict=True)
    ]
    (root / "participants.tsv").write_text("\n".join(lines))
    cohort = nifti_cohort.load(settings(root), "cohort", seed=0)
    assert cohort.column("age") == (50.0, 41.5, None, 60.0)
    assert cohort.column("scanner") == ("A", "B", "B", "A")
    assert nifti_cohort.catalogue(settings(root)).columns["age"] == (50.0, 41.5, None, 60.0)
    with pytest.raises(DataError, match="column 'site': is not in the dataset; it has age"):
        cohort.column("site")


def test_affine_may_differ_by_rounding(root):
    save(root / "sub-a.nii.gz", voxels_of("sub-a"), AFFINE + 1e-5 * np.eye(4)[:, [3, 0, 1, 2]])
    assert problems(root) == []


def test_affine_that_cannot_be_inverted(root):
    image = nibabel.Nifti1Image(voxels_of("sub-a"), None)
    image.header.set_sform(np.diag([0.0, 2, 2, 1]), code=2)
    nibabel.save(image, root / "sub-a.nii.gz")
    assert "its affine cannot be inverted; correct its sform" in only_problem(root)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_voxels(root, value):
    broken = voxels_of("sub-a")
    broken[3, :2, 0] = value
    save(root / "sub-a.nii.gz", broken)
    found = only_problem(root)
    assert re.match(
        r"sub-a: .*sub-a.nii.gz: 2 voxel\(s\) are NaN or infinite; set them to 0", found
    )
    assert problems(root, slab=Slab(start=0, stop=3)) == [], "they lie outside this slab"


def test_a_volume_of_zeros(root):
    save(root / "sub-a.nii.gz", np.zeros(SHAPE, dtype=np.float32))
    assert re.match(r"sub-a: .*sub-a.nii.gz: every voxel is 0; make it again", only_problem(root))


def test_slab_beyond_the_volume(root):
    found = only_problem(root, slab=Slab(axis=2, start=3, stop=7))
    assert "datasets.cohort.slab: stop=7 is beyond the 6 slices on axis 2" in found
    assert found.endswith("set stop to at most 6")


# --- the mask ---------------------------------------------------------------------------------


def test_missing_and_unreadable_mask(root):
    mask = root / "mask.nii.gz"
    assert "datasets.cohort.mask: " in only_problem(root, mask=mask)
    mask.write_bytes(b"no mask")
    assert "mask.nii.gz: cannot be read" in only_problem(root, mask=mask)


def test_mask_on_another_grid(root):
    mask = root / "mask.nii.gz"
    save(mask, np.ones((4, 5, 7), dtype=np.uint8))
    found = only_problem(root, mask=mask)
    assert re.match(r"datasets.cohort.mask: .*its shape 4 x 5 x 7 is not the 4 x 5 x 6", found)
    save(mask, np.ones(SHAPE, dtype=np.uint8), np.diag([-1.0, 1, 1, 1]))
    assert "its affine" in only_problem(root, mask=mask)
    save(mask, np.ones(SHAPE, dtype=np.uint8), np.diag([1.0, 1, 1, 1]))
    assert "is stored as RAS" in only_problem(root, mask=mask)


def test_mask_without_voxels(root):
    save(root / "mask.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    assert "mask.nii.gz: every voxel is 0" in only_problem(root, mask=root / "mask.nii.gz")


def test_no_voxel_in_common(root):
    for index, id in enumerate(IDS):
        alone = np.zeros(SHAPE, dtype=np.float32)
        alone[index] = 1
        save(root / f"{id}.nii.gz", alone)
    found = only_problem(root)
    assert "datasets.cohort.mask: no voxel is non-zero in every subject; name a mask" in found


# --- all at once ------------------------------------------------------------------------------


def test_every_problem_is_listed_in_one_pass(root):
    (root / "sub-b.nii.gz").write_bytes(b"broken")
    save(root / "sub-a.nii.gz", np.full(SHAPE, np.nan, dtype=np.float32))
    save(root / "sub-c.nii.gz", voxels_of("sub-c", (2, 2, 2)))
    write_table(root, (*IDS, "../x"), (*GROUPS, "n/a"))
    keys = {"folds": 3, "mask": root / "none.nii.gz"}
    with pytest.raises(ConfigError, match="8 problems found") as caught:
        nifti_cohort.load(settings(root, **keys), "cohort", seed=0)
    listed = str(caught.value)
    expected = ("another folder", "no class", "needs 3", "sub-b: ", "NaN", "its shape", "none.nii")
    assert all(text in listed for text in expected), listed
