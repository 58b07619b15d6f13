"""What planes and training images say by themselves, against closed forms and plain loops."""

import numpy as np
import pytest

import prediction_difference as pda
from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.errors import DataError

SHAPE = (1, 5, 4, 6)


@pytest.fixture
def linear(generator):
    weight = generator.normal(size=SHAPE)
    weight[:, 0] = 0  # outside of a mask
    return pda.LinearClassifier(weight, 0.3)


def images(generator, count=30):
    mixed = generator.normal(size=(count, 3)) @ generator.normal(size=(3, np.prod(SHAPE)))
    noise = generator.normal(size=(count, np.prod(SHAPE)))
    return (mixed + noise).reshape(count, *SHAPE).astype(np.float32)


def test_weights_are_the_slope_of_the_log_odds(generator, linear):
    (image,) = images(generator, 1)
    found = pda.heatmap("weights", linear, image, pda.Node.score(1))
    for place in [(1, 2, 3), (4, 0, 5)]:
        moved = image.astype(float)
        moved[0, *place] += 1
        assert found[place] == pytest.approx(linear.log_odds(moved) - linear.log_odds(image))


def test_a_pattern_is_the_regression_of_every_voxel_on_the_log_odds(generator, linear):
    training = images(generator)
    found = pda.heatmap("pattern", linear, training[0], pda.Node.score(1), training=training)
    log_odds = linear.log_odds(training.astype(float))
    for place in np.ndindex(SHAPE[1:]):
        slope, _ = np.polyfit(log_odds, training[:, 0, *place].astype(float), 1)
        assert found[place] == pytest.approx(0 if place[0] == 0 else slope, abs=1e-9)


def test_a_pattern_is_the_covariance_times_the_weights(generator, linear):
    training = images(generator)
    covariance = np.cov(training.reshape(30, -1), rowvar=False)
    w = linear.weight.ravel()
    expected = (covariance @ w / (w @ covariance @ w)).reshape(SHAPE)[0]
    found = pda.heatmap("pattern", linear, training[0], pda.Node.score(1), training=training)
    np.testing.assert_allclose(found[1:], expected[1:], atol=1e-6)
    assert not found[0].any()


def test_deviations_are_from_the_training_mean(generator, linear):
    training, (image,) = images(generator), images(generator, 1)
    node, mean = pda.Node.score(1), training.mean(0, dtype=float)
    lower = pda.heatmap("deviation", linear, image, node, training=training)
    np.testing.assert_allclose(lower[1:], (mean - image)[0, 1:])
    assert not lower[0].any()
    higher = pda.heatmap("deviation", linear, image, node, training=training, favours="higher")
    np.testing.assert_array_equal(higher, -lower)


def test_weighted_deviations_sum_to_the_change_of_the_log_odds(generator, linear):
    training, (image,) = images(generator), images(generator, 1)
    found = pda.heatmap(
        "deviation", linear, image, pda.Node.score(1), training=training, weighted=True
    )
    change = linear.log_odds(image.astype(float)) - linear.log_odds(training.mean(0, dtype=float))
    assert found.sum() == pytest.approx(change)


@pytest.mark.parametrize("method", ["weights", "pattern", "deviation"])
def test_the_other_class_has_the_opposite_map_whatever_form_the_plane_has(
    generator, linear, method
):
    training = images(generator)
    options = {} if method == "weights" else {"training": training}
    one, other = (
        pda.heatmap(method, linear, training[0], pda.Node.score(c), **options) for c in (0, 1)
    )
    np.testing.assert_array_equal(one, -other)
    as_module = pda.heatmap(method, LinearModule(linear), training[0], pda.Node.score(1), **options)
    np.testing.assert_allclose(as_module, other, rtol=1e-4, atol=1e-5)


def test_occlusion_of_a_volume_is_what_the_log_odds_lose(generator, linear):
    (image,) = images(generator, 1)
    found = pda.heatmap(
        "occlusion", linear, image, pda.Node.score(1), window=2, stride=2, fill=0.25
    )
    emptied = image.astype(float)
    emptied[:, 2:4, 0:2, 4:6] = 0.25
    lost = (linear.log_odds(image.astype(float)) - linear.log_odds(emptied)) / 2
    # Rows 3 and 4 share another row of windows, that touches the border.
    assert found[2, 0, 4] == pytest.approx(lost, rel=1e-5)


def test_other_classifiers_and_missing_images_are_refused(generator, linear):
    training, node = images(generator), pda.Node.score(1)
    with pytest.raises(DataError, match=r"is for linear classifiers, this one is a dict"):
        pda.heatmap("weights", {}, training[0], node)
    with pytest.raises(DataError, match=r"'pattern': is given no training images"):
        pda.heatmap("pattern", linear, training[0], node)
    with pytest.raises(DataError, match=r"training of shape \(1, 1, 5, 4, 6\)"):
        pda.heatmap("deviation", linear, training[0], node, training=training[:1])
