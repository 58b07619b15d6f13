"""Which maps find the damage, on cohorts small enough to simulate here."""

import copy
import dataclasses

import numpy as np
import pandas
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from prediction_difference.config import parse_config
from prediction_difference.data import anatomy
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import ConfigError, DataError
from prediction_difference.evaluation.location import (
    Cohort,
    area_within,
    join_cohorts,
    mean_correlations,
    measure_cohort,
    summarise_location,
)
from prediction_difference.evaluation.table import write_table
from prediction_difference.priors.store import fit_priors

OTHERS = {
    "weights": {"method": "weights"},
    "weighted": {"method": "deviation", "weighted": True},
    "gradient": {"method": "sensitivity"},
}
DRAWN = {
    "voxel-mean": {"prior": "voxel-mean"},
    "marginal": {"sampler": "marginal"},
    "clipped": {"prior": "voxel-mean", "clip": True, "samples": 3},
}
COMMON = {"classifier": "diagnosis", "images": {"random": 1}}
PDA = {"method": "prediction-difference", "window": 2, "stride": 2, "samples": 2}
RAW = {
    "datasets": {
        "fa": {
            "source": "simulated-fa",
            "patients": 6,
            "controls": 4,
            "effect": 3.0,
            "folds": 2,
            "slab": {"axis": 0, "start": 33, "stop": 36},
        }
    },
    "classifiers": {"diagnosis": {"kind": "logistic-regression", "dataset": "fa"}},
    "priors": {"voxel-mean": {"dataset": "fa", "patch": 3, "patches": 500}},
    "explanations": {
        **{name: COMMON | PDA | own for name, own in DRAWN.items()},
        **{name: COMMON | own for name, own in OTHERS.items()},
    },
    "evaluations": {
        "where": {"measure": "location", "explanations": [*DRAWN, *OTHERS], "cohorts": 2}
    },
}


def changed(**sections):
    """RAW with entries of its sections changed, or added."""
    found = copy.deepcopy(RAW)
    for section, entries in sections.items():
        for name, own in entries.items():
            found[section][name] = found[section].get(name, {}) | own
    return found


def test_the_area_is_that_of_the_curve(generator):
    values = generator.integers(5, size=40) / 4  # with ties
    is_true = generator.random(40) < 0.4
    one = area_within(values, is_true, np.zeros(40))
    assert one == pytest.approx(roc_auc_score(is_true, values))


def test_only_patients_of_one_fold_are_compared(generator):
    values, is_true = generator.normal(size=12), generator.random(12) < 0.5
    groups = np.arange(12) % 3
    pairs = [
        float(values[i] > values[j])
        for i in range(12)
        for j in range(12)
        if groups[i] == groups[j] and is_true[i] and not is_true[j]
    ]
    assert area_within(values, is_true, groups) == pytest.approx(np.mean(pairs))
    assert area_within(groups.astype(float), is_true, groups) == 0.5
    assert np.isnan(area_within(values, np.ones(12, bool), groups))


def test_the_order_of_subjects_does_not_matter(generator):
    values, labels = generator.normal(size=(7, 30)), np.array([0, 1, 1, 0, 0, 1, 0])
    order = generator.permutation(7)
    assert mean_correlations(values[order], labels[order]) == pytest.approx(
        mean_correlations(values, labels)
    )


def test_correlations_are_of_pairs(generator):
    values, labels = generator.normal(size=(5, 30)), np.array([0, 1, 0, 1, 1])
    pairs = {True: [], False: []}
    for one in range(5):
        for other in range(one):
            found = np.corrcoef(values[one], values[other])[0, 1]
            pairs[bool(labels[one] == labels[other])].append(found)
    expected = (np.mean(pairs[True]), np.mean(pairs[False]))
    assert mean_correlations(values, labels) == pytest.approx(expected)


@pytest.fixture(scope="module")
def tables():
    config = parse_config(RAW)
    return [measure_cohort(config, "where", number) for number in (0, 1)]


def test_a_cohort_is_measured_by_every_explanation_and_region(tables):
    table = tables[0]
    regions = {"right-anterior-corona-radiata", "right-callosal-body"}
    for explanation in RAW["explanations"]:
        part = table[table["explanation"] == explanation]
        assert set(part["quantity"]) == {"auc", "within", "across"}
        assert set(part[part["quantity"] == "auc"]["region"]) <= regions | {
            "right-posterior-thalamic-radiation"
        }
    values = table[table["quantity"] == "auc"]["value"]
    assert values.between(0, 1).all()
    assert set(table["cohort"]) == {0}
    assert set(tables[1]["cohort"]) == {1}


def test_a_cohort_depends_on_its_number_and_the_seed_alone(tables):
    again = measure_cohort(parse_config(RAW), "where", 1)
    pandas.testing.assert_frame_equal(again, tables[1])
    assert not np.array_equal(tables[0]["value"], tables[1]["value"])


def test_severe_damage_is_found_where_the_mean_is_known(tables):
    """Three standard deviations in a whole region are seen without any statistics."""
    joined = pandas.concat(tables)
    chosen = joined[(joined["explanation"] == "weighted") & (joined["quantity"] == "auc")]
    assert chosen["value"].mean() > 0.7


def test_what_is_the_same_for_a_fold_says_nothing_of_its_patients(tables):
    for table in tables:
        is_asked = (table["explanation"] == "weights") & (table["quantity"] == "auc")
        assert (table[is_asked]["value"] == 0.5).all()


def test_cohorts_are_joined_and_told_with_intervals(tables, tmp_path):
    files = [tmp_path / f"cohort-{n}.parquet" for n in (0, 1)]
    for table, file in zip(tables, files, strict=True):
        write_table(table, file)
    joined = join_cohorts(files)
    assert joined.attrs["dataset_settings"]["effect"] == 3.0
    summary = summarise_location(joined).set_index("explanation")
    assert list(summary.index) == RAW["evaluations"]["where"]["explanations"]
    parts = [t[(t["explanation"] == "marginal") & (t["quantity"] == "auc")] for t in tables]
    row = summary.loc["marginal"]
    assert row["cohorts"] == 2
    assert row["auc"] == pytest.approx(np.mean([part["value"].mean() for part in parts]))
    assert row["auc_low"] <= row["auc"] <= row["auc_high"]


def a_dataset(generator):
    images = generator.random(size=(12, 1, 6, 5, 5)).astype(np.float32)
    labels = np.arange(12) % 2
    split = tuple(f"fold-{n // 6}" for n in range(12))
    names = tuple(f"sub-{n}" for n in range(12))
    mask = np.ones((6, 5, 5), bool)
    mask[0] = False
    return Dataset(images, names, labels, split, ("control", "patient"), mask)


@pytest.mark.parametrize("name", list(RAW["explanations"]))
def test_what_is_held_out_changes_no_map_of_others(generator, name):
    """Every part of a map but its own image is of the training fold."""
    config = parse_config(RAW)
    explanation, settings = config.explanations[name], config.priors["voxel-mean"]

    def maps_of(dataset):
        cohort = Cohort.fitted(dataset, config.classifiers["diagnosis"], 3)
        return cohort.maps(explanation, fit_priors(dataset, settings, "voxel-mean", 3), 3)

    dataset = a_dataset(generator)
    before = maps_of(dataset)
    assert before.shape == (12, 6, 5, 5)
    others = dataset.images.copy()
    others[1:6] = 1 - others[1:6]
    after = maps_of(dataclasses.replace(dataset, images=others))
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[6:], before[6:])


def test_a_cohort_is_explained_as_a_run_explains_it(generator):
    """Brute force: planes by scikit-learn on the pixels, and the deviation times their weights."""
    config, dataset = parse_config(RAW), a_dataset(generator)
    cohort = Cohort.fitted(dataset, config.classifiers["diagnosis"], 3)
    found = cohort.maps(config.explanations["weighted"], {}, 3)
    inside = dataset.images[:, 0][:, dataset.mask]
    right = 0
    for split in dataset.held_out_splits:
        out = dataset.in_split(split)
        model = LogisticRegression(solver="newton-cg", tol=1e-10)
        model.fit(inside[~out].astype(float), dataset.labels[~out])
        expected = model.coef_ * (inside[out] - inside[~out].mean(0))
        np.testing.assert_allclose(found[out][:, dataset.mask], expected, rtol=1e-3, atol=1e-5)
        right += int((model.predict(inside[out]) == dataset.labels[out]).sum())
    assert cohort.accuracy == pytest.approx(right / 12)


def test_cohorts_are_counted(tables):
    with pytest.raises(DataError, match=r"--cohort 2: .* has 2, counted from 0"):
        measure_cohort(parse_config(RAW), "where", 2)


def test_a_slab_without_damage_is_refused():
    slab = {"axis": 2, "start": 8, "stop": 12}  # the cerebellum
    assert not any(region[:, :, 8:12].any() for region in anatomy.load_anatomy().regions.values())
    raw = changed(datasets={"fa": {"slab": slab}})
    with pytest.raises(DataError, match="no damaged region lies in the slab"):
        measure_cohort(parse_config(raw), "where", 0)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"evaluations": {"where": {"explanations": ["other"]}}},
            "there is no 'other' in explanations",
        ),
        (
            {"datasets": {"fa": {"folds": None}}},
            "no logistic regression of a simulated cohort with folds",
        ),
        (
            {"classifiers": {"diagnosis": {"confounds": ["age"]}}},
            "'diagnosis' takes confounds out, .* without confounds",
        ),
        (
            {
                "datasets": {"more": RAW["datasets"]["fa"]},
                "priors": {"voxel-mean": {"dataset": "more"}},
            },
            "prior of 'voxel-mean' is fitted to 'more', .* dataset: fa",
        ),
        (
            {
                "datasets": {"more": RAW["datasets"]["fa"]},
                "explanations": {"marginal": {"reference": "more"}},
            },
            "'marginal' draws from 'more', .* remove its key reference",
        ),
        (
            {"evaluations": {"where": {"methods": ["weights"]}}},
            "methods: this key is unknown; list explanations, each of one method",
        ),
        (
            {"evaluations": {"where": {"patch": 7}}},
            "patch: this key is unknown; name explanations of a logistic regression",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(sections, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(changed(**sections))
