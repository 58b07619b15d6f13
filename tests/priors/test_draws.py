"""Samplers: their draws have the right distribution and belong to (seed, image, window)."""

import dataclasses

import numpy as np
import pytest
import torch

import prediction_difference as pda
from prediction_difference.errors import DataError
from prediction_difference.priors.draws import (
    ConditionalSampler,
    MarginalSampler,
    Sampler,
    TensorSampler,
    draw,
)
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.windows import WindowGrid


def all_corners(image, window):
    grid = WindowGrid(image.shape[1:], window)
    return np.concatenate([grid.row(index) for index in range(grid.shape[0])])


@pytest.fixture
def samplers(generator):
    images = generator.normal(size=(30, 2, 7, 8)).astype(np.float32)
    prior = GaussianPatchPrior.fit(images, patch=5, patches=2_000)
    placed = GaussianPatchPrior.fit(images, patch=5, patches=2_000, location="voxel-mean")
    return [
        ConditionalSampler(prior, 3),
        ConditionalSampler(placed, 3),
        MarginalSampler(images, 3),
    ]


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


def test_draws_do_not_depend_on_how_many_or_how_often(generator, samplers):
    """Windows one at a time, in a tensor that has been seen or not, and more draws of each."""
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    corners = all_corners(image, 3)
    for sampler in samplers:
        together = sampler.sample(image, corners, 4, seed=5)
        tensor, places = torch.tensor(image), torch.tensor(corners)
        for number in (0, 13, 29):
            again = sampler.draw(tensor, places[number : number + 1], 9, 5)
            np.testing.assert_allclose(again[0, :4], together[number], rtol=1e-5, atol=1e-6)
        with torch.inference_mode():
            fresh = sampler.draw(torch.tensor(image), places, 4, 5)
        np.testing.assert_array_equal(fresh.numpy(), together)


def test_a_tensor_that_changed_has_other_draws(generator, samplers):
    for sampler in samplers:
        image = torch.tensor(generator.normal(size=(2, 7, 8)), dtype=torch.float32)
        corners = torch.zeros((1, 2), dtype=torch.int64)
        before = sampler.draw(image, corners, 4, 5)
        image[0, 6, 7] += 1
        assert not torch.equal(sampler.draw(image, corners, 4, 5), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_draws_are_the_same_on_a_gpu(generator, samplers):
    image = torch.tensor(generator.normal(size=(2, 7, 8)), dtype=torch.float32)
    corners = torch.tensor(all_corners(image, 3))
    for sampler in samplers:
        there = sampler.draw(image.cuda(), corners.cuda(), 4, 5)
        assert there.is_cuda
        torch.testing.assert_close(
            there.cpu(), sampler.draw(image, corners, 4, 5), rtol=1e-4, atol=1e-5
        )


def test_draws_change_with_seed_and_image(generator, samplers):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    corners = all_corners(image, 3)[:5]
    for sampler in samplers:
        draws = sampler.sample(image, corners, 4, seed=5)
        assert (draws == sampler.sample(image, corners, 4, seed=5)).all()
        assert (draws != sampler.sample(image, corners, 4, seed=6)).any()
        assert (draws[:, 0] != draws[:, 1]).any()
        other = sampler.sample(image + 1e-3, corners, 4, seed=5)
        assert np.abs(other - draws).max() > 0.1


@pytest.mark.parametrize("is_placed", [False, True])
def test_conditional_draws_have_the_conditional_mean_and_covariance(generator, is_placed):
    root = generator.normal(size=(16, 16))
    place = generator.normal(size=(1, 6, 6)) if is_placed else None
    prior = GaussianPatchPrior(
        generator.normal(size=(1, 4, 4)), root @ root.T + np.eye(16), location=place
    )
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


def test_volumes_are_drawn_for_as_their_moments_say(generator):
    root = generator.normal(size=(64, 64))
    prior = GaussianPatchPrior(
        generator.normal(size=(1, 4, 4, 4)),
        root @ root.T + np.eye(64),
        location=generator.normal(size=(1, 5, 4, 6)),
    )
    sampler, image = ConditionalSampler(prior, 2), generator.normal(size=(1, 5, 4, 6))
    corners = all_corners(image, 2)
    draws = sampler.sample(image, corners, 2_000, seed=1).reshape(len(corners), 2_000, 8)
    distances = []
    for members, mean, factor in sampler.moments(image, corners):
        error = np.sqrt((factor**2).sum(1) / 2_000)
        distances.append((draws[members].mean(1) - mean) / error)
    found = np.concatenate(distances)
    assert len(found) == len(corners)
    assert 0.9 < found.std() < 1.1
    assert np.abs(found).max() < 5


def test_what_a_place_tells_is_added_after_drawing(generator):
    """A location of the prior is the same as explaining what is left of the image without it."""
    images = generator.normal(size=(30, 2, 7, 8)) + 5 * generator.normal(size=(2, 7, 8))
    prior = GaussianPatchPrior.fit(images, patch=5, patches=2_000, location="voxel-mean")
    rest = dataclasses.replace(prior, location=None)
    image, corners = images[0], all_corners(images[0], 3)
    with_place = ConditionalSampler(prior, 3).moments(image, corners)
    without = ConditionalSampler(rest, 3).moments(image - prior.location, corners)
    for (members, mean, factor), (same, mean_of_rest, same_factor) in zip(
        with_place, without, strict=True
    ):
        np.testing.assert_array_equal(members, same)
        np.testing.assert_array_equal(factor, same_factor)
        for member, found, expected in zip(members, mean, mean_of_rest, strict=True):
            y, x = corners[member]
            place = prior.location[:, y : y + 3, x : x + 3].ravel()
            np.testing.assert_allclose(found, expected + place, atol=1e-9)


def test_clipped_draws_stay_in_range(generator, samplers):
    conditional, *_ = samplers
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
        # Never the explained image itself.
        assert set(chosen) == {1, 2, 3, 4, 5}


def test_many_reference_images_stay_on_the_host(generator, samplers, monkeypatch):
    *_, marginal = samplers
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    corners = all_corners(image, 3)
    expected = marginal.sample(image, corners, 4, 5)
    monkeypatch.setattr("prediction_difference.priors.marginal._BYTES_ON_DEVICE", 0)
    again = MarginalSampler(marginal.images, 3).sample(image, corners, 4, 5)
    np.testing.assert_array_equal(again, expected)


class Own:
    """A user's sampler, in numpy: the window's own pixels, then one more than that, and so on."""

    window = 3

    def sample(self, image, corners, samples, seed):
        contents = np.stack([image[:, y : y + 3, x : x + 3] for y, x in corners])
        return contents[:, None] + np.arange(samples).reshape(1, -1, 1, 1, 1)


def drawn(sampler, image):
    return draw(sampler, torch.tensor(image), torch.tensor([[0, 1], [2, 3]]), 2, 5)


def test_a_sampler_of_ones_own_needs_only_numpy(generator):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    contents = drawn(Own(), image)
    assert contents.dtype == torch.float32
    np.testing.assert_allclose(contents[1, 1], image[:, 2:5, 3:6] + 1, rtol=1e-6)


def test_built_in_samplers_draw_tensors(generator, samplers):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    for sampler in samplers:
        assert isinstance(sampler, TensorSampler)
        expected = sampler.sample(image, np.array([[0, 1], [2, 3]]), 2, 5)
        np.testing.assert_array_equal(drawn(sampler, image), expected)
    own: Sampler = Own()
    assert not isinstance(own, TensorSampler)


@pytest.mark.parametrize("is_tensor", [False, True])
def test_wrong_draws_of_ones_own_sampler_are_refused(generator, is_tensor):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)

    def returning(change):
        wrong = Own()
        wrong.sample = lambda *arguments: change(Own().sample(*arguments))
        if is_tensor:
            wrong.draw = lambda x, c, *more: torch.as_tensor(
                wrong.sample(x.numpy(), c.numpy(), *more)
            )
        return wrong

    with pytest.raises(
        DataError,
        match=r"sampler .*Own: returned an array of shape \(2, 1, 2, 3, 3\).*= \(2, 2, 2, 3, 3\)",
    ):
        drawn(returning(lambda contents: contents[:, :1]), image)
    with pytest.raises(DataError, match=r"sampler .*Own: returned NaN or infinite values"):
        drawn(returning(lambda contents: contents * np.inf), image)


def test_images_that_do_not_fit_are_refused(generator, samplers):
    conditional, placed, marginal = samplers
    corners = np.zeros((1, 2), int)
    with pytest.raises(DataError, match="prior: is over patches of shape"):
        conditional.sample(np.zeros((1, 7, 8)), corners, 2, 0)
    with pytest.raises(DataError, match="marginal sampler: has 30 images of shape"):
        marginal.sample(np.zeros((2, 9, 9)), corners, 2, 0)
    with pytest.raises(DataError, match="patch=5: does not fit inside an image of 4 x 8"):
        conditional.sample(np.zeros((2, 4, 8)), corners, 2, 0)
    with pytest.raises(DataError, match=r"prior: knows places in images of shape \(2, 7, 8\)"):
        placed.sample(np.zeros((2, 9, 9)), corners, 2, 0)
    image = generator.normal(size=(2, 7, 8))
    with pytest.raises(DataError, match="has 2 images, none other than the explained one"):
        MarginalSampler(np.stack([image, image]), 3).sample(image, corners, 2, 0)
    with pytest.raises(DataError, match="marginal sampler: its images hold NaN"):
        MarginalSampler(np.stack([image, image * np.nan]), 3).sample(image, corners, 2, 0)


def test_wrong_windows_and_bounds_of_samplers_are_refused(generator):
    prior = pda.GaussianPatchPrior.fit(generator.normal(size=(20, 1, 6, 6)), patch=3)
    for make, fitted in ((pda.ConditionalSampler, prior), (pda.MarginalSampler, prior.mean[None])):
        with pytest.raises(DataError, match="window=0: is less than 1; set it to 1 or more"):
            make(fitted, 0)
    with pytest.raises(DataError, match=r"clip=\(1, 0\): falls; give the lowest value, then"):
        pda.ConditionalSampler(prior, 2, (1, 0))
    with pytest.raises(DataError, match=r"clip=\(nan, 1\): falls; give the lowest value, then"):
        pda.UnitSampler(prior, (np.nan, 1))
    with pytest.raises(DataError, match="prior: is of type ndarray; give a GaussianPatchPrior"):
        pda.ConditionalSampler(prior.mean, 2)
    assert pda.ConditionalSampler(prior, 2, (0, np.inf)).clip == (0, np.inf)
    with pytest.raises(DataError, match="sampler: is of type GaussianPatchPrior; give a Sampler"):
        pda.PredictionDifference(None, prior, 2)
