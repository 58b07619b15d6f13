"""Bootstrap intervals against scipy's and against the normal distribution."""

import numpy as np
import pytest
from scipy import stats

from prediction_difference.evaluation.intervals import interval_of_mean


def test_intervals_are_scipys(generator):
    values = generator.exponential(size=25)
    low, high = interval_of_mean(values)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=generator
    ).confidence_interval
    spread = values.std() / 5
    assert low == pytest.approx(expected.low, abs=0.2 * spread)
    assert high == pytest.approx(expected.high, abs=0.2 * spread)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say(generator):
    inside = 0
    for seed in range(300):
        low, high = interval_of_mean(generator.normal(2.0, size=40), 0.9, seed)
        inside += low < 2 < high
    assert 0.84 < inside / 300 < 0.95


def test_every_column_has_its_own_from_the_same_images(generator):
    values = generator.normal(size=(6, 3, 2))
    low, high = interval_of_mean(values)
    assert low.shape == high.shape == (3, 2)
    np.testing.assert_allclose(low[1, 1], interval_of_mean(values[:, 1, 1])[0])
    low, high = interval_of_mean(np.ones((4, 2)))
    np.testing.assert_allclose(low, 1)
    np.testing.assert_allclose(high, 1)


def test_a_single_image_has_none():
    assert all(np.isnan(end).all() for end in interval_of_mean(np.ones((1, 3))))
