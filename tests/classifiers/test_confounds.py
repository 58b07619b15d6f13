"""What confounds explain is taken out within the fold; what stays is a function of the image."""

import dataclasses

import numpy as np
import pytest
from example_cohorts import cohort
from sklearn.linear_model import LinearRegression, LogisticRegression

from prediction_difference.classifiers.confounds import Residuals, categories_of, design
from prediction_difference.classifiers.kinds.logistic_regression import (
    LogisticRegression as LogisticRegressionSettings,
)
from prediction_difference.classifiers.loading import load_linear, load_module, read_predictions
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.errors import DataError


def settings(**keys):
    return LogisticRegressionSettings(kind="logistic-regression", dataset="cohort", **keys)


def test_residuals_are_those_of_least_squares_with_an_intercept(generator):
    known, features = generator.normal(size=(30, 2)), generator.normal(size=(30, 5))
    features += known @ generator.normal(size=(2, 5)) + 7
    own = Residuals(2).fit_transform(np.hstack([known, features]))
    theirs = features - LinearRegression().fit(known, features).predict(known)
    np.testing.assert_allclose(own - own.mean(0), theirs, atol=1e-12)
    np.testing.assert_allclose(own.mean(0), features.mean(0))


def test_residuals_do_not_depend_on_the_unit_or_on_a_column_twice(generator):
    known, features = generator.normal(size=(20, 1)), generator.normal(size=(20, 3))
    one = Residuals(1).fit_transform(np.hstack([known, features]))
    two = Residuals(2).fit_transform(np.hstack([1e6 * known, known + 3, features]))
    np.testing.assert_allclose(one, two, atol=1e-9)
    np.testing.assert_array_equal(Residuals(0).fit_transform(features), features)


def test_texts_and_codes_become_categories_and_numbers_stay():
    data = cohort()
    assert design(data, ("age",), ()).shape == (40, 1)
    assert design(data, ("age", "scanner", "site"), ()).shape == (40, 4)
    coded = design(data, ("site",), ("site",))
    assert np.array_equal(coded, design(data, ("scanner",), ()))
    assert design(data, (), ()).shape == (40, 0)
    assert categories_of(data, "site")[0] == ("1", "2")


@pytest.mark.parametrize("confounds", [("age",), ("age", "scanner")])
def test_a_fold_is_plain_regression_on_residuals_of_its_training_images(tmp_path, confounds):
    data = cohort(scanner_effect=1.0)
    card = make_classifier(settings(confounds=confounds), "diagnosis", data, 0, "cpu", tmp_path)
    voxels = data.images[:, :, data.mask].reshape(40, -1).astype(float)
    known = design(data, confounds, ())
    for split in data.held_out_splits:
        out = data.in_split(split)
        level = LinearRegression().fit(known[~out], voxels[~out])
        residuals = voxels - level.predict(known)
        oracle = LogisticRegression(tol=1e-10, max_iter=100_000)
        oracle.fit(residuals[~out], data.labels[~out])
        expected = oracle.decision_function(residuals[out])
        for index, z in zip(np.flatnonzero(out), expected, strict=True):
            linear = load_linear(tmp_path, card, split, int(index))
            assert linear.log_odds(data.images[index]) == pytest.approx(z, abs=1e-4)


def test_predictions_are_those_of_each_subjects_own_function(tmp_path):
    data = cohort(scanner_effect=1.0)
    chosen = settings(confounds=("scanner",))
    card = make_classifier(chosen, "diagnosis", data, 0, "cpu", tmp_path)
    said = np.stack(read_predictions(tmp_path)["probabilities"])
    for index in (0, 1, 25):
        split = data.split[index]
        linear = load_linear(tmp_path, card, split, index)
        z = linear.log_odds(data.images[index])
        assert said[index, 1] == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-5)
        other = load_linear(tmp_path, card, split)
        assert np.array_equal(other.weight, linear.weight)
        assert other.intercept != linear.intercept
        module = load_module(tmp_path, card, split, index)
        assert float(module.intercept) == pytest.approx(linear.intercept, abs=1e-5)


def test_a_confound_that_is_the_class_leaves_nothing_to_tell(tmp_path):
    data = cohort(effect=3.0)
    group = {n: float(label) for n, label in zip(data.names, data.labels, strict=True)}
    data = dataclasses.replace(data, facts={"columns": {"group": group}})
    plain = make_classifier(settings(), "plain", data, 0, "cpu", tmp_path / "plain")
    without = make_classifier(
        settings(confounds=("group",)), "without", data, 0, "cpu", tmp_path / "without"
    )
    assert plain.accuracy > 0.8
    assert without.accuracy < 0.65


def test_missing_columns_and_values_are_told():
    data = cohort()
    with pytest.raises(DataError, match="column 'sex': is not in the dataset; it has age"):
        design(data, ("sex",), ())
    data.facts["columns"]["age"]["sub-03"] = None
    with pytest.raises(DataError, match="column 'age': has no value for sub-03; fill it in"):
        design(data, ("age",), ())


def test_a_value_of_one_fold_alone_is_refused():
    data = cohort()
    data.facts["columns"]["scanner"]["sub-00"] = "C"
    with pytest.raises(DataError, match=r"has the value 'C' in fold-0\d alone; merge it"):
        design(data, ("scanner",), ())


def test_a_column_of_one_value_or_of_measurements_is_no_class():
    with pytest.raises(DataError, match="has 40 different value"):
        categories_of(cohort(), "age")


def test_codes_must_be_confounds():
    with pytest.raises(ValueError, match="'site' of categories is no confound"):
        settings(categories=("site",))
