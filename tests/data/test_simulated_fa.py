"""The simulated cohort obeys its recipe, and the anatomy lies where it says."""

import json
from dataclasses import replace

import numpy as np
import pytest

from prediction_difference import randomness
from prediction_difference.data import simulated_fa
from prediction_difference.data.anatomy import (
    GRID_AFFINE,
    LESION_SITES,
    Anatomy,
    lesion_regions,
    load_anatomy,
    orientation,
    slab_affine,
    slab_facts,
)
from prediction_difference.data.dataset import Dataset, check_dataset, read_dataset, write_dataset
from prediction_difference.data.simulated_fa import Subject
from prediction_difference.data.source import Slab
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.errors import ConfigError, DataError

SHAPE = (91, 109, 91)
SLAB = Slab(start=29, stop=41)


def settings(**keys):
    small = {"patients": 2, "controls": 2, "folds": None, "slab": SLAB}
    return SimulatedFA(source="simulated-fa", **{**small, **keys})


@pytest.fixture(scope="module")
def brain() -> Anatomy:
    return load_anatomy()


@pytest.fixture(scope="module")
def patient() -> Subject:
    """Of mean age, on the first scanner, with two regions hit."""
    hits = {"right-anterior-corona-radiata": 1.5, "left-callosal-body": 0.5}
    return Subject("sub-01", randomness.key(1), True, 54.0, 1, hits)


@pytest.fixture(scope="module")
def cohort() -> Dataset:
    """Two patients and two controls, the slab of the paper."""
    return simulated_fa.load(settings(), "cohort", seed=3)


# --- anatomy ----------------------------------------------------------------------------------


def test_anatomy_is_on_the_grid_of_the_paper(brain):
    assert brain.mean_fa.shape == brain.mask.shape == SHAPE
    assert np.array_equal(GRID_AFFINE[:3, 3], [90, -126, -72])
    assert orientation(GRID_AFFINE) == "LAS"


def test_mask_is_one_brain_of_adult_size(brain):
    litres = brain.mask.sum() * 2**3 * 1e-6
    assert 1.6 < litres < 2.1
    assert not brain.mean_fa[~brain.mask].any()


def test_mean_fa_is_highest_in_the_corpus_callosum_and_low_outside_white_matter(brain):
    midline_callosum = np.linalg.solve(GRID_AFFINE, [0, -6, 26, 1])[:3].astype(int)
    assert brain.mean_fa[tuple(midline_callosum)] > 0.6
    assert brain.mean_fa.max() <= 0.71
    assert np.median(brain.mean_fa[brain.mask]) < 0.3


def test_regions_are_mirrored_disjoint_white_matter_on_the_side_they_name(brain):
    assert len(brain.regions) == 6
    for site in LESION_SITES:
        left, right = brain.regions[f"left-{site}"], brain.regions[f"right-{site}"]
        assert np.array_equal(left[::-1], right)
        # Stored from right to left: the right hemisphere has the lower indices.
        assert np.argwhere(right)[:, 0].max() < 45 < np.argwhere(left)[:, 0].min()
    assert np.sum(list(brain.regions.values()), axis=0).max() == 1
    assert all((brain.mean_fa[region] > 0.25).mean() > 0.99 for region in brain.regions.values())


def test_regions_hold_every_voxel_of_their_box_that_is_white_matter():
    everywhere = lesion_regions(np.ones(SHAPE, dtype=bool))["right-callosal-body"]
    millimetres = np.argwhere(everywhere) * (-2, 2, 2) + (90, -126, -72)
    box = LESION_SITES["callosal-body"]
    assert tuple(millimetres.min(0)) == box.low
    assert tuple(millimetres.max(0)) == box.high


def test_anatomy_cannot_be_changed_by_one_who_reads_it(brain):
    with pytest.raises(ValueError, match="read-only"):
        brain.mean_fa[0, 0, 0] = 1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slab_affine_maps_a_slab_voxel_to_where_the_volume_has_it(axis):
    affine = np.array([[-2, 0.1, 0, 90], [0.2, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])
    slab = Slab(axis=axis, start=5, stop=9)
    in_slab = np.array([1, 2, 3, 1])
    in_volume = in_slab + 5 * np.eye(4, dtype=int)[axis]
    assert np.allclose(slab_affine(affine, slab) @ in_slab, affine @ in_volume)


def test_slab_in_millimetres_is_the_one_of_the_paper():
    facts = slab_facts(GRID_AFFINE, SHAPE, SLAB)
    assert (facts["first_slice_mm"][0], facts["last_slice_mm"][0]) == (32, 10)
    assert slab_facts(GRID_AFFINE, SHAPE, None) is None


# --- one subject ------------------------------------------------------------------------------


def test_damage_is_effect_times_severity_inside_hit_regions_and_nothing_elsewhere(brain, patient):
    healthy = simulated_fa.volume(patient, brain, effect=0)
    damaged = simulated_fa.volume(patient, brain, effect=0.4)
    expected = np.zeros(SHAPE)
    for region, severity in patient.severities.items():
        spread = np.sqrt((0.10 * brain.mean_fa) ** 2 + 0.02**2)
        expected += 0.4 * severity * spread * brain.regions[region]
    assert np.allclose(healthy - damaged, expected, atol=1e-6)


def test_effect_0_makes_a_patient_as_healthy_as_without_lesions(brain, patient):
    unhurt = replace(patient, severities={})
    volumes = [simulated_fa.volume(subject, brain, 0.0) for subject in (patient, unhurt)]
    assert np.array_equal(*volumes)


def test_fa_stays_between_0_and_1_however_great_the_damage(brain, patient):
    destroyed = simulated_fa.volume(patient, brain, effect=100)
    healed = simulated_fa.volume(patient, brain, effect=-100)
    assert (destroyed.min(), healed.max()) == (0, 1)


def test_age_lowers_and_the_second_scanner_raises_fa_as_published(brain, patient):
    base = simulated_fa.volume(patient, brain, 0.0)
    deep = brain.mean_fa > 0.4
    older = simulated_fa.volume(replace(patient, age=64.0), brain, 0.0)
    rescanned = simulated_fa.volume(replace(patient, scanner=2), brain, 0.0)
    assert np.allclose((base - older)[deep], 10 * 0.003 * brain.mean_fa[deep], atol=1e-6)
    assert np.allclose((rescanned - base)[deep], 0.03 * brain.mean_fa[deep], atol=1e-6)


@pytest.mark.parametrize("width", [6.0, 20.0])
def test_smooth_noise_has_unit_variance_and_its_width(width):
    draws = [
        simulated_fa._smooth_noise(randomness.generator(randomness.key(width, k)), width)
        for k in range(4)
    ]
    assert np.mean(np.square(draws)) == pytest.approx(1, abs=0.15)
    lag = int(width / 2)
    measured = np.mean([(draw[lag:] * draw[:-lag]).mean() for draw in draws])
    # Correlation of Gaussian-smoothed noise [-d^2 / (4 sigma^2)], with sigma = width / 2.355.
    expected = np.exp(-((2 * lag) ** 2) / (4 * (width / 2.3548) ** 2))
    assert measured == pytest.approx(expected, abs=0.06)


def test_voxels_vary_between_subjects_as_the_recipe_says(brain):
    subjects = [Subject("s", randomness.key("vary", k), False, 54.0, 1) for k in range(24)]
    sites = tuple(np.argwhere(brain.mean_fa > 0.5)[::50].T)
    values = [simulated_fa.volume(subject, brain, 0.0)[sites] for subject in subjects]
    mean = brain.mean_fa[sites]
    shares = 0.10 * np.linalg.norm([0.5, 0.25, 0.25])
    assert np.std(values, axis=0).mean() == pytest.approx(
        np.hypot(shares * mean, 0.02).mean(), rel=0.15
    )
    assert np.allclose(np.mean(values, axis=0), mean, atol=0.045)


# --- the cohort -------------------------------------------------------------------------------


def test_a_subject_does_not_depend_on_how_many_others_there_are(cohort):
    many = simulated_fa.load(settings(patients=3, controls=4), "cohort", seed=3)
    assert np.array_equal(cohort.images[:2], many.images[:2])
    assert np.array_equal(cohort.images[2:], many.images[4:6])


def test_slab_is_the_crop_of_the_whole_brain(cohort):
    whole = simulated_fa.load(settings(slab=None), "cohort", seed=3)
    other = simulated_fa.load(settings(slab=Slab(axis=2, start=40, stop=44)), "cohort", seed=3)
    assert whole.spatial == SHAPE
    assert cohort.spatial == (12, 109, 91)
    assert np.array_equal(cohort.images, whole.images[:, :, 29:41])
    assert np.array_equal(cohort.mask, whole.mask[29:41])
    assert np.array_equal(other.images, whole.images[..., 40:44])
    assert np.allclose(cohort.affine @ [0, 0, 0, 1], [32, -126, -72, 1])


def test_images_are_fa_inside_the_mask_and_zero_outside(cohort):
    assert cohort.images.dtype == np.float32
    assert cohort.images.min() >= 0
    assert cohort.images.max() <= 1
    assert not cohort.images[:, 0][:, ~cohort.mask].any()
    assert (cohort.images[:, 0][:, cohort.mask] > 0).mean() > 0.98
    check_dataset(cohort, "cohort")


def test_the_seed_and_the_class_matter(cohort):
    again = simulated_fa.load(settings(), "cohort", seed=3)
    other = simulated_fa.load(settings(), "cohort", seed=4)
    assert np.array_equal(cohort.images, again.images)
    assert not np.array_equal(cohort.images, other.images)
    keys = {subject.key for seed in (3, 4) for subject in simulated_fa.cohort(settings(), seed)}
    assert len(keys) == 8


def test_names_labels_and_splits_of_a_cohort():
    cohort = simulated_fa.load(settings(patients=3, controls=4, folds=3), "cohort", seed=3)
    assert cohort.names[:2] == ("sub-01", "sub-02")
    assert cohort.labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert cohort.class_names == ("control", "patient")
    assert cohort.held_out_splits == ("fold-00", "fold-01", "fold-02")
    for split in cohort.held_out_splits:
        assert set(cohort.labels[cohort.in_split(split)]) == {0, 1}


def test_facts_survive_json_and_the_store(cohort, tmp_path):
    assert json.loads(json.dumps(cohort.facts)) == cohort.facts
    assert cohort.facts["simulated"] is True
    assert cohort.facts["full_scale"] == [0.0, 1.0]
    assert tuple(cohort.facts["hits"]) == cohort.names
    assert set(cohort.facts["regions"]) >= set(cohort.facts["hits"][cohort.names[-1]])
    assert len(cohort.column("age")) == len(cohort.names)
    assert set(cohort.column("scanner")) <= {"scanner-1", "scanner-2"}
    assert set(cohort.sources) == {"nilearn"}
    write_dataset(cohort, tmp_path / "cohort.zarr")
    stored = read_dataset(tmp_path / "cohort.zarr")
    assert stored.facts == cohort.facts
    assert np.array_equal(stored.images, cohort.images)


def test_only_patients_are_hit_as_often_and_as_severely_as_the_recipe_says():
    subjects = simulated_fa.cohort(settings(patients=1000, controls=50), seed=0)
    assert not any(subject.severities for subject in subjects if not subject.is_patient)
    severities = [v for subject in subjects for v in subject.severities.values()]
    assert len(severities) / 6000 == pytest.approx(0.6, abs=0.03)
    assert np.mean(severities) == pytest.approx(1, abs=0.04)
    assert np.std(severities) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("size", [24, 70, 100])
def test_scanners_are_balanced_within_each_class(size):
    subjects = simulated_fa.cohort(settings(patients=size, controls=size), seed=0)
    for is_patient in (False, True):
        second = sum(s.scanner == 2 for s in subjects if s.is_patient == is_patient)
        assert second == pytest.approx(0.24 * size, abs=0.51)


def test_patients_have_lower_fa_where_they_are_hit_and_only_there(brain):
    region = brain.regions["right-anterior-corona-radiata"][29:41]
    cohort = simulated_fa.load(settings(patients=12, controls=12, effect=3), "cohort", seed=0)
    hit = np.array(
        ["right-anterior-corona-radiata" in cohort.facts["hits"][n] for n in cohort.names]
    )
    untouched = cohort.mask & ~np.any([r[29:41] for r in brain.regions.values()], axis=0)
    relative = cohort.images[:, 0] / np.maximum(brain.mean_fa[29:41], 0.01)
    inside, outside = relative[:, region].mean(1), relative[:, untouched].mean(1)
    difference = inside[hit].mean() - inside[cohort.labels == 0].mean()
    severity = np.mean(
        [s.get("right-anterior-corona-radiata", 0) for s in cohort.facts["hits"].values()]
    ) * len(hit)
    unit = np.hypot(0.1, 0.02 / brain.mean_fa[29:41][region]).mean()
    assert difference == pytest.approx(-3 * severity / hit.sum() * unit, abs=0.03)
    assert outside[hit].mean() - outside[~hit].mean() == pytest.approx(0, abs=0.03)


# --- bad input --------------------------------------------------------------------------------


def test_a_slab_beyond_the_volume_is_refused():
    with pytest.raises(ConfigError, match=r"datasets.cohort.slab: stop=92 is beyond the 91 slices"):
        simulated_fa.load(settings(slab=Slab(start=80, stop=92)), "cohort", seed=0)


def test_a_slab_without_brain_is_refused():
    with pytest.raises(ConfigError, match="these slices hold no brain; choose"):
        simulated_fa.load(settings(slab=Slab(start=0, stop=2)), "cohort", seed=0)


def test_more_folds_than_subjects_are_refused():
    with pytest.raises(DataError, match="2 image"):
        simulated_fa.load(settings(folds=3), "cohort", seed=0)
