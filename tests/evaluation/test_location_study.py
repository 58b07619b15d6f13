"""Which maps find the damage, on cohorts small enough to simulate here."""

import numpy as np
import pandas
import pytest
from sklearn.metrics import roc_auc_score

from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.config import parse_config
from prediction_difference.data import anatomy
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import ConfigError, DataError
from prediction_difference.evaluation import location
from prediction_difference.evaluation.location import (
    Fold,
    area_within,
    join_cohorts,
    mapper_of,
    mean_correlations,
    measure_cohort,
    summarise_location,
)
from prediction_difference.evaluation.table import write_table

METHODS = ["voxel-mean", "marginal", "weights", "weighted-deviation"]
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
    "evaluations": {
        "where": {
            "measure": "location",
            "dataset": "fa",
            "cohorts": 2,
            "methods": METHODS,
            "window": 2,
            "stride": 2,
            "patch": 3,
            "patches": 500,
            "samples": 2,
        }
    },
}


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


def test_a_cohort_is_measured_by_every_method_and_region(tables):
    table = tables[0]
    regions = {"right-anterior-corona-radiata", "right-callosal-body"}
    for method in METHODS:
        part = table[table["method"] == method]
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
    chosen = joined[(joined["method"] == "weighted-deviation") & (joined["quantity"] == "auc")]
    assert chosen["value"].mean() > 0.7


def test_what_is_the_same_for_a_fold_says_nothing_of_its_patients(tables):
    for table in tables:
        values = table[(table["method"] == "weights") & (table["quantity"] == "auc")]["value"]
        assert (values == 0.5).all()


def test_cohorts_are_joined_and_told_with_intervals(tables, tmp_path):
    files = [tmp_path / f"cohort-{n}.parquet" for n in (0, 1)]
    for table, file in zip(tables, files, strict=True):
        write_table(table, file)
    joined = join_cohorts(files)
    assert joined.attrs["settings"]["cohorts"] == 2
    summary = summarise_location(joined).set_index("method")
    assert list(summary.index) == METHODS
    means = [
        t[(t["method"] == "marginal") & (t["quantity"] == "auc")]["value"].mean() for t in tables
    ]
    row = summary.loc["marginal"]
    assert row["cohorts"] == 2
    assert row["auc"] == pytest.approx(np.mean(means))
    assert row["auc_low"] <= row["auc"] <= row["auc_high"]


def a_fold(generator):
    images = generator.normal(size=(12, 1, 6, 5, 5)).astype(np.float32)
    labels = np.arange(12) % 2
    split = tuple(f"fold-{n // 6}" for n in range(12))
    names = tuple(f"sub-{n}" for n in range(12))
    mask = np.ones((6, 5, 5), bool)
    mask[0] = False
    dataset = Dataset(images, names, labels, split, ("control", "patient"), mask)
    weight = generator.normal(size=images.shape[1:]) * mask
    return Fold(dataset, "fold-0", LinearClassifier(weight, 0.1))


@pytest.mark.parametrize("method", [*location._LOCATIONS, "marginal", "occlusion", "pattern"])
def test_what_is_held_out_changes_no_map_of_others(generator, method):
    """Every part of a map but its own image is of the training fold."""
    settings = parse_config(RAW).evaluations["where"]
    fold = a_fold(generator)
    image = fold.dataset.images[0].copy()
    before = mapper_of(method, fold, settings, 3)(image)
    assert before.shape == (6, 5, 5)
    fold.dataset.images[1:6] += 5
    np.testing.assert_array_equal(mapper_of(method, fold, settings, 3)(image), before)


def test_cohorts_are_counted(tables):
    with pytest.raises(DataError, match=r"--cohort 2: .* has 2, counted from 0"):
        measure_cohort(parse_config(RAW), "where", 2)


def test_a_slab_without_damage_is_refused():
    slab = {"axis": 2, "start": 8, "stop": 12}  # the cerebellum
    assert not any(region[:, :, 8:12].any() for region in anatomy.load_anatomy().regions.values())
    raw = RAW | {"datasets": {"fa": RAW["datasets"]["fa"] | {"slab": slab}}}
    with pytest.raises(DataError, match="no damaged region lies in the slab"):
        measure_cohort(parse_config(raw), "where", 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch": 2}, "does not fit inside patch=2"),
        ({"stride": 3}, "stride=3 leaves voxels out"),
        ({"dataset": "other"}, "there is no 'other' in datasets"),
        ({"patch": 4}, "patch=4 does not fit inside volumes of 3 x 109 x 91"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    study = RAW["evaluations"]["where"] | changes
    with pytest.raises(ConfigError, match=message):
        parse_config(RAW | {"evaluations": {"where": study}})
