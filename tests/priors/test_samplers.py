"""Samplers: their draws have the right distribution and belong to (seed, image, window)."""

import numpy as np
import pytest

from prediction_difference.errors import DataError
from prediction_difference.priors import ConditionalSampler, GaussianPatchPrior, MarginalSampler
from prediction_difference.priors.windows import WindowGrid


def all_corners(image, window):
    grid = WindowGrid(image.shape[1:], window)
    return np.concatenate([grid.row(index) for index in range(grid.shape[0])])


@pytest.fixture
def samplers(generator):
    images = generator.normal(size=(30, 2, 7, 8)).astype(np.float32)
    prior = GaussianPatchPrior.fit(images, patch=5, patches=2_000)
    return [ConditionalSampler(prior, 3), MarginalSampler(images, 3)]


def test_draws_do_not_depend_on_other_windows(generator, samplers):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    corners = all_corners(image, 3)
    order = generator.permutation(len(corners))
    for sampler in samplers:
        together = sampler.sample(image, corners, 4, seed=5)
        assert together.shape == (len(corners), 4, 2, 3, 3)
        assert together.dtype == np.float32
        shuffled = sampler.sample(image, corners[order], 4, seed=5)
        np.testing.assert_allclose(shuffled, together[order], rtol=1e-5, atol=1e-6)


def test_draws_change_with_seed_and_image(generator, samplers):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    corners = all_corners(image, 3)[:5]
    for sampler in samplers:
        draws = sampler.sample(image, corners, 4, seed=5)
        assert (draws == sampler.sample(image, corners, 4, seed=5)).all()
        assert (draws != sampler.sample(image, corners, 4, seed=6)).any()
        assert (draws[:, 0] != draws[:, 1]).any()


def test_conditional_draws_have_the_conditional_mean_and_covariance(generator):
    root = generator.normal(size=(16, 16))
    prior = GaussianPatchPrior(generator.normal(size=(1, 4, 4)), root @ root.T + np.eye(16))
    sampler = ConditionalSampler(prior, 2)
    image = generator.normal(size=(1, 6, 6))
    corners = np.array([[0, 0], [2, 2], [4, 4]])
    draws = sampler.sample(image, corners, 40_000, seed=1).reshape(3, 40_000, 4)
    for members, mean, factor in sampler.moments(image, corners):
        for member, center in zip(members, mean, strict=True):
            covariance = factor @ factor.T
            error = np.sqrt(np.diag(covariance) / 40_000)
            assert (np.abs(draws[member].mean(0) - center) < 5 * error).all()
            np.testing.assert_allclose(
                np.cov(draws[member].T), covariance, atol=0.05 * covariance.max()
            )


def test_borders_are_conditioned_on_the_pixels_around_the_window(generator):
    """Every window of an image, against the precision matrix with pixels found by coordinates."""
    k, patch, spatial, channels = 2, 5, (7, 8), 2
    root = generator.normal(size=(50, 50))
    prior = GaussianPatchPrior(generator.normal(size=(2, patch, patch)), root @ root.T + np.eye(50))
    precision, mean = np.linalg.inv(prior.covariance), prior.mean.ravel()
    sampler, image = ConditionalSampler(prior, k), generator.normal(size=(channels, *spatial))
    corners = all_corners(image, k)
    found = {}
    for members, center, factor in sampler.moments(image, corners):
        found |= {m: (c, factor @ factor.T) for m, c in zip(members, center, strict=True)}
    for number, corner in enumerate(corners):
        first = [
            min(max(c - (patch - k) // 2, 0), s - patch)
            for c, s in zip(corner, spatial, strict=True)
        ]
        places = [(c, y, x) for c in range(channels) for y in range(patch) for x in range(patch)]
        x = np.array([image[c, first[0] + i, first[1] + j] for c, i, j in places])
        inside = [
            corner[0] <= first[0] + i < corner[0] + k and corner[1] <= first[1] + j < corner[1] + k
            for _, i, j in places
        ]
        inner = np.array(inside)
        covariance = np.linalg.inv(precision[np.ix_(inner, inner)])
        shift = precision[np.ix_(inner, ~inner)] @ (x - mean)[~inner]
        np.testing.assert_allclose(found[number][0], mean[inner] - covariance @ shift, atol=1e-8)
        np.testing.assert_allclose(found[number][1], covariance, atol=1e-8)


def test_clipped_draws_stay_in_range(generator, samplers):
    conditional, _ = samplers
    image = generator.normal(size=(2, 7, 8))
    clipped = ConditionalSampler(conditional.prior, 3, (-0.1, 0.2))
    draws = clipped.sample(image, all_corners(image, 3), 5, seed=0)
    assert draws.min() >= np.float32(-0.1)
    assert draws.max() <= np.float32(0.2)


def test_marginal_draws_are_taken_at_the_same_place(generator):
    images = np.arange(6 * 1 * 5 * 5, dtype=np.float32).reshape(6, 1, 5, 5)
    corners = np.array([[1, 2], [3, 0]])
    draws = MarginalSampler(images, 2).sample(images[0], corners, 50, seed=0)
    for window, (y, x) in zip(draws, corners, strict=True):
        possible = images[:, :, y : y + 2, x : x + 2]
        chosen = [int(np.flatnonzero((possible == draw).all((1, 2, 3)))[0]) for draw in window]
        assert set(chosen) == set(range(6))


def test_images_that_do_not_fit_are_refused(generator, samplers):
    conditional, marginal = samplers
    corners = np.zeros((1, 2), int)
    with pytest.raises(DataError, match="prior: is over patches of shape"):
        conditional.sample(np.zeros((1, 7, 8)), corners, 2, 0)
    with pytest.raises(DataError, match="marginal sampler: has 30 images of shape"):
        marginal.sample(np.zeros((2, 9, 9)), corners, 2, 0)
    with pytest.raises(DataError, match="patch=5: does not fit inside an image of 4 x 8"):
        conditional.sample(np.zeros((2, 4, 8)), corners, 2, 0)
