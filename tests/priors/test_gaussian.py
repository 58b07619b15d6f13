"""The Gaussian prior against known Gaussians and against the precision-matrix formula."""

import numpy as np
import pytest

from prediction_difference.errors import DataError
from prediction_difference.priors import GaussianPatchPrior


def random_covariance(generator, size):
    root = generator.normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


def prior_of(generator, shape):
    size = int(np.prod(shape))
    return GaussianPatchPrior(generator.normal(size=shape), random_covariance(generator, size))


def window_mask(shape, offset, window):
    mask = np.zeros(shape, bool)
    mask[(slice(None), *(slice(o, o + window) for o in offset))] = True
    return mask.ravel()


@pytest.mark.parametrize(
    ("shape", "window"), [((1, 4, 4), 2), ((3, 3, 3), 2), ((2, 4, 4), 1), ((1, 3, 3, 3), 2)]
)
def test_conditionals_are_those_of_the_precision_matrix(generator, shape, window):
    """With precision P: covariance P_ii^-1, mean m_i - P_ii^-1 P_io (x_o - m_o)."""
    prior = prior_of(generator, shape)
    conditionals = prior.conditionals(window)
    precision = np.linalg.inv(prior.covariance)
    mean = prior.mean.ravel()
    offsets = list(np.ndindex(*(side - window + 1 for side in shape[1:])))
    assert len(conditionals.operator) == len(offsets)
    x = generator.normal(size=mean.size)
    for number, offset in enumerate(offsets):
        inner = window_mask(shape, offset, window)
        covariance = np.linalg.inv(precision[np.ix_(inner, inner)])
        shift = precision[np.ix_(inner, ~inner)] @ (x - mean)[~inner]
        expected = mean[inner] - covariance @ shift
        found = conditionals.bias[number] + conditionals.operator[number] @ x[~inner]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
        factor = conditionals.factor[number]
        np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-8, atol=1e-8)


def test_fit_of_patches_has_their_mean_and_covariance(generator):
    covariance = random_covariance(generator, 8)
    patches = generator.multivariate_normal(np.arange(8.0), covariance, size=5_000)
    prior = GaussianPatchPrior.fit(patches.reshape(-1, 2, 2, 2), patch=2, ridge=1e-9)
    np.testing.assert_allclose(prior.mean.ravel(), patches.mean(0), atol=1e-9)
    np.testing.assert_allclose(prior.covariance, np.cov(patches.T), rtol=1e-6, atol=1e-6)
    assert prior.patches == 5_000


def test_fit_to_images_finds_the_covariance_of_a_stationary_field(generator):
    """White noise summed over neighbours has covariance 2, 1, 0 along the axis of the sum."""
    noise = generator.normal(size=(40, 1, 30, 31))
    field = noise[..., 1:] + noise[..., :-1]
    prior = GaussianPatchPrior.fit(field, patch=3, patches=40_000, ridge=1e-6)
    expected = np.kron(np.eye(3), [[2, 1, 0], [1, 2, 1], [0, 1, 2]])
    np.testing.assert_allclose(prior.covariance, expected, atol=0.08)


def test_independent_channels_are_uncorrelated(generator):
    images = np.repeat(generator.normal(size=(20, 1, 9, 9)), 2, axis=1)
    joint = GaussianPatchPrior.fit(images, patch=3, channels="joint")
    apart = GaussianPatchPrior.fit(images, patch=3, channels="independent")
    assert joint.covariance[:9, 9:].max() > 0.5
    assert (apart.covariance[:9, 9:] == 0).all()
    np.testing.assert_allclose(apart.covariance[:9, :9], joint.covariance[:9, :9], rtol=1e-3)


def test_patches_of_volumes_come_from_the_mask(generator):
    images = generator.normal(size=(4, 1, 9, 9, 9))
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 4, 4] = True
    images[:, :, 3:6, 3:6, 3:6] = 7.0 + 0.01 * generator.normal(size=(4, 1, 3, 3, 3))
    prior = GaussianPatchPrior.fit(images, patch=3, patches=200, mask=mask)
    np.testing.assert_allclose(prior.mean, 7.0, atol=0.05)


def test_what_cannot_be_fitted_is_refused(generator):
    with pytest.raises(DataError, match="no images"):
        GaussianPatchPrior.fit(np.empty((0, 1, 9, 9)), patch=3)
    with pytest.raises(DataError, match="patch=10: does not fit inside images of 9 x 9"):
        GaussianPatchPrior.fit(np.zeros((3, 1, 9, 9)), patch=10)
    with pytest.raises(DataError, match="do not vary"):
        GaussianPatchPrior.fit(np.ones((3, 1, 9, 9)), patch=3)
    singular = GaussianPatchPrior(np.zeros((1, 2, 2)), np.ones((4, 4)))
    with pytest.raises(DataError, match="singular; fit it with a larger ridge"):
        singular.conditionals(1)
    with pytest.raises(DataError, match=r"window=2: does not fit inside patch=2.*at most 1"):
        singular.conditionals(2)
