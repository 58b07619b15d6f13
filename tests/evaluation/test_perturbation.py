"""Region perturbation against loops and against the closed form for linear functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import prediction_difference as pda
from prediction_difference.errors import DataError
from prediction_difference.evaluation.perturbation import region_order


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_regions_are_ordered_by_their_sum_and_leave_out_partial_borders(region, seed):
    relevance = np.random.default_rng(seed).normal(size=(9, 11))
    corners = region_order(relevance, region)
    cells = {(y, x) for y in range(9 // region) for x in range(11 // region)}
    assert {tuple(corner // region) for corner in corners} == cells
    sums = [relevance[y : y + region, x : x + region].sum() for y, x in corners]
    assert all(np.diff(sums) <= 1e-12)
    backwards = region_order(relevance, region, "lerf")
    np.testing.assert_array_equal(backwards, corners[::-1])


def test_ties_are_broken_at_random_but_always_alike():
    flat = np.zeros((8, 8))
    np.testing.assert_array_equal(region_order(flat, 2, seed=1), region_order(flat, 2, seed=1))
    assert (region_order(flat, 2, seed=1) != region_order(flat, 2, seed=2)).any()
    assert (region_order(flat, 2)[:, 0] != np.repeat([0, 2, 4, 6], 4)).any()


def test_curves_are_those_of_a_loop(generator):
    """Pixels inside the first k regions are noise, each its own; all others are untouched."""
    image, relevance = generator.uniform(size=(3, 6, 8)), generator.normal(size=(6, 8))
    seen = []

    def record(batch):
        seen.append(batch)
        return batch.sum((1, 2, 3))

    curves = pda.perturbation_curves(record, image, relevance, region=2, steps=5, repeats=3)
    assert curves.shape == (3, 6)
    corners = region_order(relevance, 2)
    for repeat, batch in enumerate(seen):
        np.testing.assert_array_equal(batch[0], image)
        np.testing.assert_allclose(curves[repeat], batch.sum((1, 2, 3)))
        for k in range(1, 6):
            untouched = np.ones((6, 8), bool)
            for y, x in corners[:k]:
                untouched[y : y + 2, x : x + 2] = False
            np.testing.assert_array_equal(batch[k][:, untouched], image[:, untouched])
            changed = batch[k][:, ~untouched]
            assert len(np.unique(changed)) == changed.size
            assert (changed != image[:, ~untouched]).all()
    assert (seen[0][5] != seen[1][5]).any()


def test_noise_is_the_same_for_every_method(generator):
    image = generator.uniform(size=(1, 8, 8))
    ends = []
    for relevance in generator.normal(size=(2, 8, 8)):
        curves = pda.perturbation_curves(
            lambda batch: batch.sum((1, 2, 3)), image, relevance, region=2, steps=16, repeats=2
        )
        ends.append(curves[:, -1])
    np.testing.assert_allclose(ends[0], ends[1])


def test_expected_aopc_of_a_linear_function_has_a_closed_form(generator):
    """F = w.x, noise uniform in (a, b): E f(x) - f(x_k) = sum of w (x - (a+b)/2) over k regions."""
    image, weight = generator.uniform(size=(1, 6, 6)), generator.normal(size=(1, 6, 6))
    relevance = (weight * image)[0]
    steps, a, b = 6, -1.0, 3.0
    curves = pda.perturbation_curves(
        lambda batch: (batch * weight).sum((1, 2, 3)),
        image,
        relevance,
        region=2,
        steps=steps,
        repeats=4_000,
        value_range=(a, b),
    )
    lost = weight * (image - (a + b) / 2)
    drops = [lost[:, y : y + 2, x : x + 2].sum() for y, x in region_order(relevance, 2)[:steps]]
    expected = np.concatenate([[0], np.cumsum(drops)]).sum() / (steps + 1)
    values = pda.aopc(curves)
    assert abs(values.mean() - expected) < 5 * values.std() / np.sqrt(len(values))


def test_aopc_divides_by_steps_plus_one():
    assert pda.aopc(np.array([5.0, 3.0, 1.0])) == (0 + 2 + 4) / 3
    np.testing.assert_array_equal(pda.aopc(np.ones((4, 7))), np.zeros(4))


def test_what_does_not_fit_is_refused():
    image = np.zeros((1, 8, 8))
    with pytest.raises(DataError, match=r"region=9: does not fit inside an image of 8 x 8"):
        region_order(image[0], 9)
    with pytest.raises(DataError, match="steps=5: there are 4 regions"):
        pda.perturbation_curves(lambda b: b, image, image[0], region=4, steps=5)
    with pytest.raises(DataError, match="does not belong to an image"):
        pda.perturbation_curves(lambda b: b, image, image[0, 1:], region=2)
