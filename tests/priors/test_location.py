"""What a place tells, against plain loops."""

import itertools

import numpy as np
import pytest

from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.location import location_image


@pytest.mark.parametrize("spatial", [(6, 7), (5, 4, 7)])
@pytest.mark.parametrize("cells", [1, 2, 3, 20])
def test_a_cell_has_the_mean_of_its_voxels(generator, spatial, cells):
    images = generator.normal(size=(4, 2, *spatial))
    found = location_image(images, "grid-cell", cells)
    per_axis = [min(cells, side) for side in spatial]

    def cell(place):
        return tuple(int(p * n // s) for p, n, s in zip(place, per_axis, spatial, strict=True))

    places = list(np.ndindex(*spatial))
    assert {cell(p) for p in places} == set(itertools.product(*(range(n) for n in per_axis)))
    for place in places:
        mates = tuple(np.array([p for p in places if cell(p) == cell(place)]).T)
        expected = images[:, :, *mates].mean((0, 2))
        np.testing.assert_allclose(found[:, *place], expected, atol=1e-12)


def test_a_mean_that_is_linear_in_the_index_is_found(generator):
    images = np.zeros((3, 1, 8, 6))
    rows, columns = np.arange(8)[:, None] // 2, np.arange(6) // 2
    images += 2 * rows - 3 * columns + 1
    mask = np.ones((8, 6), bool)
    mask[0] = False
    images[:, :, 0] = 100
    found = location_image(images, "grid-index", 4, mask)
    assert np.abs(found[0, 1:] - images[0, 0, 1:]).max() > 0.1  # six columns lie in four cells
    images[:] = 2 * rows - 3 * (np.arange(6) * 4 // 6) + 1
    images[:, :, 0] = 100
    found = location_image(images, "grid-index", 4, mask)
    np.testing.assert_allclose(found[0, 1:], images[0, 0, 1:], atol=1e-9)


@pytest.mark.parametrize("location", ["grid-index", "grid-cell", "voxel-mean"])
@pytest.mark.parametrize("regularisation", ["ridge", "ledoit-wolf"])
def test_the_fit_is_to_what_is_left_without_it(generator, location, regularisation):
    images = generator.normal(size=(10, 1, 7, 6, 6)) + 4 * generator.normal(size=(1, 7, 6, 6))
    prior = GaussianPatchPrior.fit(
        images, patch=3, patches=400, location=location, cells=3, regularisation=regularisation
    )
    rest = GaussianPatchPrior.fit(
        images - prior.location, patch=3, patches=400, regularisation=regularisation
    )
    np.testing.assert_allclose(prior.mean, rest.mean, atol=1e-12)
    np.testing.assert_allclose(prior.covariance, rest.covariance, atol=1e-12)


def test_a_voxels_mean_is_that_of_the_images(generator):
    images = generator.normal(size=(10, 2, 7, 6)).astype(np.float32)
    prior = GaussianPatchPrior.fit(images, patch=3, patches=400, location="voxel-mean")
    np.testing.assert_allclose(prior.location, images.mean(0, dtype=np.float64), atol=1e-12)
    assert GaussianPatchPrior.fit(images, patch=3, patches=400).location is None
