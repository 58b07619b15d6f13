"""Exact expectations of a linear classifier, against quadrature and against many draws."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

import prediction_difference as pda
from prediction_difference.attribution.engines.linear import LinearEngine, logistic_normal_mean
from prediction_difference.errors import DataError


@pytest.mark.parametrize("deviation", [0, 1e-3, 0.3, 0.999, 1, 1.9, 4.1, 15, 63])
@pytest.mark.parametrize("mean", [-30, -3, 0, 0.5, 7])
def test_the_integral_is_that_of_adaptive_quadrature(mean, deviation):
    def integrand(x):
        return expit(mean + deviation * x) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)

    step = float(np.clip(-mean / deviation, -12, 12)) if deviation else 0.0
    expected, _ = quad(integrand, -12, 12, points=[step], epsabs=1e-14, epsrel=1e-13, limit=500)
    (found,) = logistic_normal_mean(np.array([float(mean)]), np.array([float(deviation)]))
    assert abs(found - expected) < 1e-13


def test_a_window_alone_has_the_same_expectation_as_among_others(generator, monkeypatch):
    mean, deviation = generator.normal(size=500), 10 ** generator.uniform(-3, 2, size=500)
    together = logistic_normal_mean(mean, deviation)
    alone = [logistic_normal_mean(mean[[n]], deviation[[n]])[0] for n in range(500)]
    np.testing.assert_allclose(alone, together, atol=1e-14)
    monkeypatch.setattr("prediction_difference.attribution.engines.linear._VALUES_AT_ONCE", 100)
    np.testing.assert_allclose(logistic_normal_mean(mean, deviation), together, atol=1e-14)


def volumes(generator, location):
    place = 2 * generator.normal(size=(1, 6, 5, 5))
    images = (generator.normal(size=(60, 1, 6, 5, 5)) + place).astype(np.float32)
    prior = pda.GaussianPatchPrior.fit(images, 4, patches=3_000, location=location, cells=2)
    linear = pda.LinearClassifier(generator.normal(size=(1, 6, 5, 5)) / 4, 0.2)
    return linear, prior, images[0]


class Clone:
    """Draws as another sampler does, with nothing said of moments."""

    def __init__(self, sampler):
        self.window, self.sample = sampler.window, sampler.sample


@pytest.mark.parametrize("location", ["none", "grid-index", "grid-cell", "voxel-mean"])
def test_exact_values_are_those_of_many_draws(generator, location):
    linear, prior, image = volumes(generator, location)
    sampler, nodes = pda.ConditionalSampler(prior, 2), [pda.Node.probability(0), pda.Node.score(1)]
    prepared = LinearEngine(linear).prepare(image)
    corners = np.array([[0, 0, 0], [1, 1, 1], [2, 1, 3], [4, 3, 3]])
    exact = prepared.expectation(corners, sampler, 2, 0, nodes)
    drawn = prepared.expectation(corners, Clone(sampler), 20_000, 0, nodes)
    assert np.isnan(exact.variance).all()
    assert np.abs((drawn.mean - exact.mean) / np.sqrt(drawn.variance)).max() < 4


def test_clipped_draws_are_averaged(generator):
    linear, prior, image = volumes(generator, "none")
    sampler = pda.ConditionalSampler(prior, 2, clip=(-0.5, 0.5))
    prepared = LinearEngine(linear).prepare(image)
    corners = np.array([[0, 0, 0], [1, 1, 1]])
    found = prepared.expectation(corners, sampler, 50, 0, [pda.Node.score(1)])
    assert (found.variance > 0).all()


def test_wrong_draws_are_refused(generator):
    linear, prior, image = volumes(generator, "none")
    wrong = Clone(pda.ConditionalSampler(prior, 2))
    wrong.sample = lambda image, corners, samples, seed: np.zeros((len(corners), samples, 8))
    with pytest.raises(DataError, match=r"sampler .*Clone: returned an array of shape \(1, 5, 8\)"):
        LinearEngine(linear).prepare(image).expectation(
            np.zeros((1, 3), int), wrong, 5, 0, [pda.Node.score(1)]
        )


@pytest.mark.parametrize("is_exact", [True, False])
def test_windows_without_weights_are_no_evidence_and_change_no_other(generator, is_exact):
    linear, prior, image = volumes(generator, "voxel-mean")
    weight = linear.weight.copy()
    weight[:, :3] = 0
    masked = pda.LinearClassifier(weight, 0.2)
    sampler, nodes = pda.ConditionalSampler(prior, 2), [pda.Node.probability(1), pda.Node.score(0)]
    sampler = sampler if is_exact else Clone(sampler)
    prepared = LinearEngine(masked).prepare(image)
    corners = np.array([[4, 3, 3], [0, 0, 0], [2, 1, 3], [1, 2, 2]])
    found = prepared.expectation(corners, sampler, 6, 0, nodes)
    np.testing.assert_allclose(found.mean[:, [1, 3]], prepared.values(nodes)[:, None].repeat(2, 1))
    for number in (0, 2):
        alone = prepared.expectation(corners[[number]], sampler, 6, 0, nodes)
        np.testing.assert_allclose(found.mean[:, number], alone.mean[:, 0], rtol=1e-12)
    assert np.isnan(found.variance).all() if is_exact else (found.variance[:, 1] == 0).all()


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_a_mirrored_subject_has_the_mirrored_map(generator, axis):
    # Of an even difference to the window, as patches are else not centred on it.
    patches = generator.normal(size=(300, 1, 4, 4, 4)).cumsum(2).cumsum(3)
    image = generator.normal(size=(1, 6, 5, 5)).astype(np.float32)
    weight = generator.normal(size=(1, 6, 5, 5))

    def relevance(mirror):
        prior = pda.GaussianPatchPrior.fit(mirror(patches), 4)
        linear = pda.LinearClassifier(mirror(weight), 0.1)
        analysis = pda.PredictionDifference(linear, pda.ConditionalSampler(prior, 2), window=2)
        return analysis.attribute_quietly(mirror(image), [pda.Node.probability(1)]).relevance

    def mirror(array):
        return np.flip(array, array.ndim - 4 + axis).copy()

    np.testing.assert_allclose(
        relevance(mirror), np.flip(relevance(lambda array: array), axis), atol=1e-7
    )
