"""The Gaussian prior against known Gaussians, textbook formulas and scikit-learn."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from prediction_difference.errors import DataError
from prediction_difference.priors import patches as patches_module
from prediction_difference.priors.gaussian import GaussianPatchPrior


def random_covariance(generator, size):
    root = generator.normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


def window_mask(shape, offset, window):
    mask = np.zeros(shape, bool)
    mask[(slice(None), *(slice(o, o + window) for o in offset))] = True
    return mask.ravel()


def textbook(covariance, mean, inner, x):
    """Mean and covariance of x[inner] given the rest of x."""
    gain = covariance[np.ix_(inner, ~inner)] @ np.linalg.inv(covariance[np.ix_(~inner, ~inner)])
    left = covariance[np.ix_(inner, inner)] - gain @ covariance[np.ix_(~inner, inner)]
    return mean[inner] + gain @ (x - mean)[~inner], left


@pytest.mark.parametrize("channels", ["joint", "independent"])
@pytest.mark.parametrize(
    ("shape", "window"), [((1, 4, 4), 2), ((3, 3, 3), 2), ((2, 4, 4), 1), ((1, 3, 3, 3), 2)]
)
def test_conditionals_are_the_textbooks(generator, shape, window, channels):
    size = int(np.prod(shape))
    covariance = random_covariance(generator, size)
    if channels == "independent":
        owner = np.arange(size) // (size // shape[0])
        covariance[owner[:, None] != owner] = 0
    prior = GaussianPatchPrior(generator.normal(size=shape), covariance)
    conditionals, mean = prior.conditionals(window), prior.mean.ravel()
    offsets = list(np.ndindex(*(side - window + 1 for side in shape[1:])))
    assert len(conditionals.operator) == len(offsets)
    x = generator.normal(size=mean.size)
    for number, offset in enumerate(offsets):
        inner = window_mask(shape, offset, window)
        center, left = textbook(covariance, mean, inner, x)
        found = conditionals.bias[number] + conditionals.operator[number] @ x[~inner]
        np.testing.assert_allclose(found, center, rtol=1e-7, atol=1e-7)
        factor = conditionals.factor[number]
        np.testing.assert_allclose(factor @ factor.T, left, rtol=1e-7, atol=1e-7)
        np.testing.assert_array_equal(conditionals.inner[number], np.flatnonzero(inner))


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


@pytest.fixture
def small_blocks(monkeypatch):
    """Patches pass by a few at a time."""
    monkeypatch.setattr(patches_module, "_NUMBERS_AT_ONCE", 100)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_ledoit_wolf_is_that_of_scikit_learn(generator, offset):
    root = generator.normal(size=(18, 18))
    patches = offset + generator.normal(size=(60, 18)) @ root
    prior = GaussianPatchPrior.fit(
        patches.reshape(-1, 2, 3, 3), patch=3, regularisation="ledoit-wolf"
    )
    expected, shrinkage = ledoit_wolf(patches)
    assert 0.01 < shrinkage < 0.99
    np.testing.assert_allclose(prior.covariance, expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(prior.mean.ravel(), patches.mean(0))


def test_independent_channels_are_shrunk_apart(generator):
    patches = generator.normal(size=(40, 2, 3, 3)) * np.array([1, 20])[:, None, None]
    prior = GaussianPatchPrior.fit(
        patches, patch=3, channels="independent", regularisation="ledoit-wolf"
    )
    for channel, part in ((0, slice(0, 9)), (1, slice(9, 18))):
        expected, _ = ledoit_wolf(patches[:, channel].reshape(40, 9))
        np.testing.assert_allclose(prior.covariance[part, part], expected, rtol=1e-8)


def test_white_patches_are_shrunk_whole():
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1], [-1, 1])).reshape(4, -1).T
    prior = GaussianPatchPrior.fit(
        signs.reshape(-1, 1, 2, 2).astype(float), patch=2, regularisation="ledoit-wolf"
    )
    np.testing.assert_allclose(prior.covariance, np.eye(4), atol=1e-12)


@pytest.mark.usefixtures("small_blocks")
def test_fitting_in_blocks_changes_nothing(generator, monkeypatch):
    images = 50 + generator.normal(size=(6, 2, 9, 8))
    in_blocks = GaussianPatchPrior.fit(images, patch=3, patches=300)
    monkeypatch.undo()
    at_once = GaussianPatchPrior.fit(images, patch=3, patches=300)
    np.testing.assert_allclose(in_blocks.mean, at_once.mean, rtol=1e-12)
    np.testing.assert_allclose(in_blocks.covariance, at_once.covariance, atol=1e-10)


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
    holed = generator.normal(size=(3, 1, 9, 9))
    holed[1, 0, 4, 4] = np.nan
    with pytest.raises(DataError, match="patches hold NaN or infinite values; mend or remove"):
        GaussianPatchPrior.fit(holed, patch=3)
    few = generator.normal(size=(9, 1, 3, 3))
    with pytest.raises(
        DataError, match=r"9 patches of 9 numbers have a singular.*more than 9, ridge.*ledoit-wolf"
    ):
        GaussianPatchPrior.fit(few, patch=3, ridge=0)
    with pytest.raises(DataError, match="no patch has its centre in the mask"):
        GaussianPatchPrior.fit(np.zeros((3, 1, 9, 9)), patch=3, mask=np.zeros((9, 9), bool))
    with pytest.raises(DataError, match="ridge=-1: is less than 0; set it to 0 or more"):
        GaussianPatchPrior.fit(few, patch=3, ridge=-1)
    for wrong in ("channels", "regularisation", "location"):
        with pytest.raises(DataError, match=f"{wrong}='x': is unknown; choose one of"):
            GaussianPatchPrior.fit(few, patch=3, **{wrong: "x"})
    infinite = GaussianPatchPrior(np.zeros((1, 2, 2)), np.full((4, 4), np.inf))
    with pytest.raises(DataError, match="its covariance is not finite"):
        infinite.conditionals(1)
    singular = GaussianPatchPrior(np.zeros((1, 2, 2)), np.ones((4, 4)))
    with pytest.raises(DataError, match="singular; fit it with a larger ridge"):
        singular.conditionals(1)
    with pytest.raises(DataError, match=r"window=2: does not fit inside patch=2.*at most 1"):
        singular.conditionals(2)
