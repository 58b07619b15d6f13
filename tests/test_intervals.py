"""Bootstrap intervals against scipy's and against the normal distribution."""

import numpy as np
import pytest
from scipy import stats

from prediction_difference.intervals import (
    correlation_with_means,
    interval_of_mean,
    interval_of_share,
    students_interval,
)


def test_intervals_of_many_images_are_scipys(generator):
    values = generator.exponential(size=400)
    low, high = interval_of_mean(values)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=generator
    ).confidence_interval
    spread = values.std() / 20
    assert low == pytest.approx(expected.low, abs=0.2 * spread)
    assert high == pytest.approx(expected.high, abs=0.2 * spread)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say(generator):
    inside = 0
    for seed in range(300):
        low, high = interval_of_mean(generator.normal(2.0, size=40), 0.9, seed)
        inside += low < 2 < high
    assert 0.84 < inside / 300 < 0.95


@pytest.mark.parametrize("count", [8, 20])
def test_intervals_of_few_images_cover_the_mean_too(generator, count):
    """Percentiles as they are would cover it in 88 % of the samples of 8."""
    inside = 0
    for seed in range(400):
        low, high = interval_of_mean(generator.normal(2.0, size=count), 0.95, seed)
        inside += low < 2 < high
    assert 0.92 < inside / 400 < 0.985


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


# --- correlations -----------------------------------------------------------------------------


def test_correlations_are_numpys_and_their_intervals_scipys(generator):
    others = np.array([0.1, 0.5, 0.7, 0.8])
    values = others + generator.normal(0, 0.5, size=(30, 4))
    found, (low, high) = correlation_with_means(values, others)
    assert found == pytest.approx(np.corrcoef(values.mean(0), others)[0, 1])

    def correlation(*columns, axis):
        means = np.stack([column.mean(axis=axis) for column in columns], axis=-1)
        return np.apply_along_axis(lambda m: np.corrcoef(m, others)[0, 1], -1, means)

    expected = stats.bootstrap(
        tuple(values.T),
        correlation,
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4000,
        rng=generator,
    ).confidence_interval
    width = expected.high - expected.low
    assert low == pytest.approx(expected.low, abs=0.2 * width)
    assert high == pytest.approx(expected.high, abs=0.2 * width)
    assert low < found < high


def test_what_is_the_same_but_for_its_scale_correlates_fully(generator):
    others = np.array([0.0, 1.0, 3.0])
    values = generator.uniform(1, 2, size=(5, 1)) * others + 4
    assert np.hstack(correlation_with_means(values, others)) == pytest.approx(1)
    assert np.hstack(correlation_with_means(-values, others)) == pytest.approx(-1)


def test_what_is_all_alike_has_no_correlation():
    steps, alike = np.arange(4.0), np.ones(4)
    rows = np.stack([steps, 2 * steps])
    assert np.isnan(np.hstack(correlation_with_means(rows, alike))).all()
    assert np.isnan(np.hstack(correlation_with_means(np.ones((2, 4)), steps))).all()
    found, ends = correlation_with_means(rows[:1], steps)
    assert found == pytest.approx(1)
    assert np.isnan(ends).all()


@pytest.mark.parametrize(("count", "images"), [(0, 7), (3, 7), (7, 7), (480, 1000)])
def test_intervals_of_shares_hold_where_the_score_test_does(count, images):
    share, quantile = count / images, stats.norm.ppf(0.95)
    for end in interval_of_share(count, images, confidence=0.9):
        # Wilson's ends are where the test statistic with the end's own variance is the quantile.
        assert (share - end) ** 2 == pytest.approx(quantile**2 * end * (1 - end) / images)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_students_interval_is_that_of_the_t_test(generator, confidence):
    values = generator.normal(0.7, 0.05, 9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert students_interval(values, confidence) == pytest.approx((expected.low, expected.high))
