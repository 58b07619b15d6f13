"""Windows: the grid covers every pixel, and averages are those of plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference.errors import DataError
from prediction_difference.priors.windows import WindowGrid, cut, patch_corners


@st.composite
def grids(draw):
    dimensions = draw(st.integers(2, 3))
    spatial = tuple(draw(st.integers(3, 7)) for _ in range(dimensions))
    window = draw(st.integers(1, min(spatial)))
    return WindowGrid(spatial, window, draw(st.integers(1, window)))


def loop_average(grid: WindowGrid, values: np.ndarray) -> np.ndarray:
    total, visits = np.zeros(grid.spatial), np.zeros(grid.spatial)
    corners = itertools.product(*grid.axes)
    for corner, value in zip(corners, values.ravel(), strict=True):
        box = tuple(slice(c, c + grid.window) for c in corner)
        total[box] += value
        visits[box] += 1
    return total / visits


@given(grids(), st.integers(0, 2**32 - 1))
def test_average_is_that_of_a_loop_and_every_pixel_is_covered(grid, seed):
    values = np.random.default_rng(seed).normal(size=grid.shape)
    average = grid.average(values)
    assert np.isfinite(average).all()
    np.testing.assert_allclose(average, loop_average(grid, values), atol=1e-12)


@given(grids())
def test_errors_of_independent_windows_add_in_squares(grid):
    errors = np.random.default_rng(0).uniform(0.1, 1, grid.shape)
    weights = [loop_average(grid, unit) for unit in np.eye(errors.size)]
    variance = sum(w**2 * e**2 for w, e in zip(weights, errors.ravel(), strict=True))
    np.testing.assert_allclose(grid.average_error(errors), np.sqrt(variance), rtol=1e-10)


@given(grids())
def test_rows_hold_every_window_once_and_in_order(grid):
    rows = np.concatenate([grid.row(index) for index in range(grid.shape[0])])
    np.testing.assert_array_equal(rows, np.array(list(itertools.product(*grid.axes))))


@given(grids(), st.data())
def test_patches_lie_inside_and_around_their_windows(grid, data):
    patch = data.draw(st.integers(grid.window, min(grid.spatial)))
    corners = np.concatenate([grid.row(index) for index in range(grid.shape[0])])
    patches = patch_corners(corners, grid.spatial, grid.window, patch)
    assert (patches >= 0).all()
    assert (patches + patch <= np.array(grid.spatial)).all()
    assert (patches <= corners).all()
    assert (corners + grid.window <= patches + patch).all()
    margin = (patch - grid.window) // 2
    inner = (corners >= margin) & (corners - margin + patch <= np.array(grid.spatial))
    assert ((corners - patches == margin) | ~inner).all()


def test_cut_takes_the_blocks_at_the_corners(generator):
    image = generator.normal(size=(2, 5, 6, 7))
    corners = np.array([[0, 0, 0], [3, 4, 5], [1, 2, 3]])
    blocks = cut(image, corners, 2)
    for block, (x, y, z) in zip(blocks, corners, strict=True):
        np.testing.assert_array_equal(block, image[:, x : x + 2, y : y + 2, z : z + 2])


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(
        DataError, match=r"window=6: does not fit inside an image of 5 x 7.*at most 5"
    ):
        WindowGrid((5, 7), 6)
    with pytest.raises(DataError, match=r"stride=3: leaves pixels.*at most 2"):
        WindowGrid((5, 7), 2, 3)
    with pytest.raises(DataError, match=r"patch=6: does not fit"):
        patch_corners(np.zeros((1, 2), int), (5, 7), 2, 6)
