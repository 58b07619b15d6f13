"""Cohorts tried out of fold: equal to scikit-learn's own tools, and at chance where chance is."""

import numpy as np
import pytest
from example_cohorts import cohort
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from example_networks import weights_sum
from prediction_difference.classifiers import cross_validation
from prediction_difference.classifiers.kinds.logistic_regression import (
    LogisticRegression as LogisticRegressionSettings,
)
from prediction_difference.classifiers.loading import load_linear
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.classifiers.measures import held_out_measures, over_seeds
from prediction_difference.classifiers.row_space import products_of, row_space


def settings(**keys):
    return LogisticRegressionSettings(kind="logistic-regression", dataset="cohort", **keys)


def make(tmp_path, data, **keys):
    return make_classifier(settings(**keys), "diagnosis", data, 0, "cpu", tmp_path)


# --- the row space ----------------------------------------------------------------------------


@pytest.mark.parametrize("is_scaled", [False, True])
def test_the_row_space_keeps_distances_and_planes(generator, is_scaled):
    voxels = generator.normal(3, 1, size=(12, 200))
    used = np.arange(12) < 9
    scale = generator.uniform(0.5, 2, 200) if is_scaled else None
    space = row_space(voxels, used, products_of(voxels, scale), scale)
    assert space.coordinates.shape == (12, 8), "the mean takes one dimension"
    seen = voxels if scale is None else voxels / scale
    centred = seen - seen[used].mean(0)
    own = space.coordinates[used]
    np.testing.assert_allclose(own @ own.T, centred[used] @ centred[used].T)
    np.testing.assert_allclose(space.coordinates @ own.T, centred @ centred[used].T, atol=1e-9)
    coefficients = generator.normal(size=8)
    weight, intercept = space.plane(coefficients, 0.3)
    np.testing.assert_allclose(voxels @ weight + intercept, space.coordinates @ coefficients + 0.3)


def test_images_twice_add_no_dimension(generator):
    voxels = np.tile(generator.normal(5, 1, size=(4, 30)), (2, 1))
    assert row_space(voxels, np.ones(8, bool), products_of(voxels)).coordinates.shape == (8, 3)


# --- the pipeline -----------------------------------------------------------------------------


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_scaled_voxels_are_those_of_sklearns_pipeline(tmp_path, C):
    data = cohort()
    card = make(tmp_path, data, C=C, scaling=True)
    voxels = data.images[:, :, data.mask].reshape(40, -1).astype(float)
    for split in data.held_out_splits:
        out = data.in_split(split)
        regression = LogisticRegression(C=C, tol=1e-10, max_iter=100_000)
        oracle = make_pipeline(StandardScaler(), regression).fit(voxels[~out], data.labels[~out])
        own = load_linear(tmp_path, card, split).log_odds(data.images[out])
        np.testing.assert_allclose(own, oracle.decision_function(voxels[out]), atol=2e-4, rtol=1e-3)


def test_nested_cross_validation_chooses_as_sklearns_does_on_all_voxels(tmp_path):
    data = cohort()
    choices = (0.001, 0.03, 1.0)
    card = make(tmp_path, data, C=choices)
    voxels = data.images[:, :, data.mask].reshape(40, -1).astype(float)
    key = cross_validation.randomness.key(0, "classifier", "diagnosis")
    for split in data.held_out_splits:
        out = data.in_split(split)
        inner = StratifiedKFold(5, shuffle=True, random_state=key % 2**32)
        regression = LogisticRegression(tol=1e-8, max_iter=100_000)
        search = GridSearchCV(regression, {"C": choices}, scoring="neg_log_loss", cv=inner)
        search.fit(voxels[~out], data.labels[~out])
        assert card.measures["C"][split] == search.best_params_["C"]
    assert make(tmp_path / "nested", data, C="nested").measures["C"]


# --- measures ---------------------------------------------------------------------------------


def test_measures_are_scikit_learns(generator):
    labels = (np.arange(50) >= 38).astype(int)
    p = generator.uniform(size=50).round(1)
    found = held_out_measures(np.stack([1 - p, p], 1), labels)
    guessed = (np.stack([1 - p, p], 1)).argmax(1)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, guessed))
    assert found["area_under_curve"] == pytest.approx(roc_auc_score(labels, p))
    assert found["largest_class"] == 0.76
    low, high = found["accuracy_interval"]
    assert low < found["accuracy"] < high
    assert held_out_measures(np.empty((0, 2)), np.empty(0)) == {}


def test_the_interval_is_wilsons():
    labels = np.zeros(10, int)
    found = held_out_measures(np.tile([0.9, 0.1], (10, 1)), labels)
    assert found["accuracy_interval"] == pytest.approx([1 / (1 + 1.959964**2 / 10), 1])
    assert "area_under_curve" not in found


def test_seeds_are_summed_up():
    found = over_seeds([0.5, 0.6, 0.7])
    assert found["mean"] == pytest.approx(0.6)
    assert found["standard_deviation"] == pytest.approx(0.1)
    assert over_seeds([0.5])["standard_deviation"] is None


def test_unequal_classes_have_a_balanced_accuracy(tmp_path):
    card = make(tmp_path, cohort(patients=12))
    assert card.measures["largest_class"] == 0.7
    assert card.measures["balanced_accuracy"] < card.accuracy


# --- repeats, permutations, other columns -----------------------------------------------------


def test_accuracy_over_seeds_begins_with_the_folds_of_the_dataset(tmp_path):
    data = cohort()
    one = make(tmp_path / "one", data)
    features = cross_validation.features_for(settings(repeats=4), data)
    found = cross_validation.accuracies_over_seeds(
        settings(repeats=4), features, data, one.accuracy, key=1
    )
    assert found[0] == one.accuracy
    assert len(found) == 4
    assert len(set(found)) > 1
    card = make(tmp_path / "four", data, repeats=4)
    assert card.measures["over_seeds"]["seeds"] == 4
    assert card.accuracy == one.accuracy
    assert weights_sum(tmp_path / "four") == weights_sum(tmp_path / "one")


def test_a_real_effect_is_significant_and_none_is_not(tmp_path):
    real = make(tmp_path / "real", cohort(effect=3), permutations=39)
    assert real.measures["permutation_test"]["p"] == 1 / 40
    assert real.measures["permutation_test"]["balanced_accuracy_by_chance"] < 0.6
    none = make(tmp_path / "none", cohort(effect=0, seed=2), permutations=39)
    assert none.measures["permutation_test"]["p"] > 0.05


def test_p_is_uniform_where_there_is_nothing(tmp_path):
    """Under the hypothesis, p <= 1/2 for about half of all cohorts."""
    found = [
        make(tmp_path / str(seed), cohort(count=16, folds=2, effect=0, seed=seed), permutations=9)
        .measures["permutation_test"]["p"]
        for seed in range(24)
    ]  # fmt: skip
    assert 0.35 < np.mean(found) < 0.85
    assert min(found) >= 0.1


def test_the_scanner_is_told_where_it_can_be_and_not_after_it_was_taken_out(tmp_path):
    data = cohort(scanner_effect=1.0)
    told = make(tmp_path / "told", data, also_predict=("scanner",)).measures["also_predicted"]
    assert told["scanner"]["classes"] == ["A", "B"]
    assert told["scanner"]["balanced_accuracy"] > 0.9
    without = make(
        tmp_path / "without", data, also_predict=("scanner",), confounds=("scanner",)
    ).measures["also_predicted"]
    assert without["scanner"]["balanced_accuracy"] < 0.7


def test_held_out_images_do_not_influence_the_planes(tmp_path):
    """Scaling and confounds are of the training images alone."""
    data, other = cohort(), cohort()
    out = data.in_split("fold-01")
    other.images[out] *= 3
    keys = {"scaling": True, "confounds": ("age",), "C": (0.01, 1.0)}
    one, two = (
        load_linear(tmp_path / n, make(tmp_path / n, d, **keys), "fold-01")
        for n, d in (("one", data), ("two", other))
    )
    np.testing.assert_allclose(one.weight, two.weight, atol=1e-7)
    assert one.intercept == pytest.approx(two.intercept, abs=1e-6)
