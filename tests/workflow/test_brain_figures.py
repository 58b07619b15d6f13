"""Figures 9 to 12 and the claims of pda2017_mri for a user's own, tiny cohort."""

import json

import nibabel
import numpy as np
import pytest
import yaml

from .test_workflow import ROOT, Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
SHAPE = (13, 12, 14)
SLAB = {"axis": 0, "start": 3, "stop": 12}
PATCHES = {"of-6": 4, "of-7": 5, "of-9": 6, "of-11": 7}
WINDOWS = {"evidence": 3, "k-2": 2, "k-5": 4, "k-7": 5}


def write_cohort(folder, generator):
    """16 subjects whose patients have less FA in a corner; the brain is a box with a margin."""
    affine = np.array([[-2.0, 0, 0, 12], [0, 2, 0, -11], [0, 0, 2, -13], [0, 0, 0, 1]])
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:-1, 1:-1, 1:-1] = 1
    rows = ["participant_id\tgroup"]
    for number in range(16):
        volume = generator.uniform(0.3, 0.6, size=SHAPE).astype(np.float32)
        volume[4:8, 3:7, 3:7] -= 0.2 * (number % 2)
        name = f"sub-{number:02d}"
        file = folder / name / "dwi" / f"{name}_FA.nii.gz"
        file.parent.mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(volume * mask, affine), file)
        rows.append(f"{name}\t{('control', 'patient')[number % 2]}")
    nibabel.save(nibabel.Nifti1Image(mask, affine), folder / "brain_mask.nii.gz")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("brains"))
    write_cohort(checkout.folder / "cohort", np.random.default_rng(9))
    config = yaml.safe_load((ROOT / "config/papers/pda2017_mri.yaml").read_text())
    brains = config["settings"]["cohort"]["datasets"]["brains"]
    brains |= {"root": "cohort", "mask": "cohort/brain_mask.nii.gz", "slab": SLAB, "folds": 4}
    for name, patch in PATCHES.items():
        config["priors"][name] |= {"patch": patch, "patches": 1000}
    for explanation in config["explanations"].values():
        labels = explanation["images"]["labels"]
        explanation["images"] = {"correct": 4, "labels": labels}
    for name, window in WINDOWS.items():
        config["explanations"][name]["window"] = window
    config["figures"]["figure-9"]["slices"] = [3, 11]
    for name in ("figure-10", "figure-12"):
        config["figures"][name]["slices"] = [10]
    checkout.write(config | {"setting": "cohort"})
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout.folder / "results" / "pda2017_mri-cohort"


def numbers(results, figure):
    file = results / "figures" / "pda2017_mri" / f"{figure}.json"
    assert file.with_suffix(".png").is_file()
    return json.loads(file.read_text())["numbers"]


def test_the_first_and_the_last_slice_of_the_slab_beside_the_weights(results):
    found = numbers(results, "figure-9")
    places = found["views"][0]["slices"]
    assert places == [{"number": 3, "millimetres": 6.0}, {"number": 11, "millimetres": -10.0}]
    assert len(found["maps"]) == 1
    assert found["maps"][0]["hide_below"] == 0.15
    assert found["weights"]["towards"] == "patient"


def test_four_subjects_of_each_class(results):
    found = numbers(results, "figure-10")
    assert [one["label"] for one in found["maps"]] == ["control"] * 4 + ["patient"] * 4
    assert len({one["limit"] for one in found["maps"]}) == 1
    assert all(one["class"] == one["label"] for one in found["maps"])


def test_three_axes(results):
    found = numbers(results, "figure-11")
    assert [view["world_axis"] for view in found["views"]] == ["x", "y", "z"]
    assert len({one["image"] for one in found["maps"]}) == 1


def test_windows_have_scales_and_thresholds_of_their_own(results):
    found = numbers(results, "figure-12")["maps"]
    assert [one["explanation"] for one in found] == ["k-2", "evidence", "k-5", "k-7"]
    assert [one["hide_below"] for one in found] == [0.1, 0.15, 0.15, 0.15]
    assert len({one["image"] for one in found}) == 1
    assert len({one["limit"] for one in found}) == 4


def test_every_claim_of_the_section_has_a_number(results):
    content = json.loads((results / "evaluations" / "claims-pda2017_mri.json").read_text())
    found = [one["claim"]["claim"] for one in content["claims"]]
    assert {"accuracy", "less-scattered", "specific-to-image", "distinct-classes"} <= set(found)
    assert all(np.isfinite(one["number"]) for one in content["claims"])
    accuracy = content["claims"][found.index("accuracy")]
    assert accuracy["images"] == 16
    page = (results / "report" / "index.html").read_text()
    assert "equal to 0.693" in page
