"""Region perturbation against loops and against the closed form for linear functions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import prediction_difference as pda
from prediction_difference.errors import DataError
from prediction_difference.evaluation.perturbation import region_order
from prediction_difference.evaluation.replacements import replacements


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


def total(batch):
    """A value f of a batch of images, in double precision."""
    return batch.double().flatten(1).sum(1)


@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_curves_are_those_of_a_loop(generator, batch_size):
    """Pixels inside the first k regions are noise, each its own; all others are untouched."""
    image = generator.uniform(size=(3, 6, 8)).astype(np.float32)
    relevance = generator.normal(size=(6, 8))
    seen = []

    def record(batch):
        seen.extend(batch.numpy().copy())
        return total(batch)

    curves = pda.perturbation_curves(
        record, image, relevance, region=2, steps=5, repeats=3, batch_size=batch_size
    )
    assert curves.shape == (3, 6)
    assert len(seen) == 1 + 3 * 5
    np.testing.assert_array_equal(seen[0], image)
    corners = region_order(relevance, 2)
    for repeat in range(3):
        batch = [image, *seen[1 + 5 * repeat : 6 + 5 * repeat]]
        np.testing.assert_allclose(curves[repeat], [b.astype(float).sum() for b in batch])
        for k in range(1, 6):
            untouched = np.ones((6, 8), bool)
            for y, x in corners[:k]:
                untouched[y : y + 2, x : x + 2] = False
            np.testing.assert_array_equal(batch[k][:, untouched], image[:, untouched])
            changed = batch[k][:, ~untouched]
            assert len(np.unique(changed)) == changed.size
            assert (changed != image[:, ~untouched]).all()
    assert (seen[5] != seen[10]).any()


def test_several_values_of_an_image_have_curves_of_their_own(generator):
    image = generator.uniform(size=(2, 6, 6)).astype(np.float32)
    relevance = generator.normal(size=(6, 6))
    setting = {"region": 2, "steps": 3, "repeats": 2, "batch_size": 4}
    both = pda.perturbation_curves(
        lambda batch: torch.stack([total(batch), total(batch) ** 2], 1), image, relevance, **setting
    )
    one = pda.perturbation_curves(total, image, relevance, **setting)
    assert both.shape == (2, 4, 2)
    np.testing.assert_array_equal(both[..., 0], one)
    np.testing.assert_allclose(both[..., 1], one**2)


@pytest.mark.parametrize("perturbation", ["uniform", "blur", "mean", "conditional"])
def test_what_comes_in_place_is_the_same_for_every_method(generator, perturbation):
    """All regions removed, in whatever order, with as many repeats: the same images."""
    image = generator.uniform(size=(2, 8, 8)).astype(np.float32)
    prior = pda.GaussianPatchPrior.fit(generator.uniform(size=(5, 2, 12, 12)), patch=4)
    ends = []
    for relevance in generator.normal(size=(2, 8, 8)):
        images = []

        def record(batch, images=images):
            images.extend(batch.numpy().copy())
            return total(batch)

        pda.perturbation_curves(
            record,
            image,
            relevance,
            region=2,
            steps=16,
            repeats=2,
            perturbation=perturbation,
            sampler=pda.ConditionalSampler(prior, window=2),
        )
        ends.append([images[16], images[32]])
    np.testing.assert_array_equal(ends[0], ends[1])
    is_drawn = perturbation in ("uniform", "conditional")
    assert (ends[0][0] != ends[0][1]).any() == is_drawn
    assert (ends[0][0] != image).any()


def test_blur_and_mean_tell_less_about_the_image(generator):
    image = generator.uniform(size=(3, 20, 20)).astype(np.float32)
    regions = region_order(np.zeros((20, 20)), 4)
    (blurred,) = replacements("blur", image, regions, region=4, repeats=1)
    (plain,) = replacements("mean", image, regions, region=4, repeats=1)
    assert blurred.std() < 0.3 * image.std()
    np.testing.assert_allclose(
        plain, np.broadcast_to(image.mean((1, 2))[:, None, None], (3, 20, 20))
    )
    np.testing.assert_allclose(blurred.mean(), image.mean(), atol=0.02)


def test_draws_of_regions_are_the_samplers(generator):
    image = generator.uniform(size=(1, 9, 9)).astype(np.float32)
    prior = pda.GaussianPatchPrior.fit(generator.uniform(size=(5, 1, 12, 12)), patch=5)
    sampler = pda.ConditionalSampler(prior, window=3)
    regions = np.array([[0, 3], [6, 6]])
    found = replacements(
        "conditional", image, regions, region=3, repeats=4, sampler=sampler, seed=9
    )
    expected = sampler.sample(image, regions, 4, 9)
    np.testing.assert_array_equal(found[:, :, 0:3, 3:6], expected[0])
    np.testing.assert_array_equal(found[:, :, 6:9, 6:9], expected[1])
    np.testing.assert_array_equal(
        found[:, :, 3:6, 0:3], np.broadcast_to(image[:, 3:6, 0:3], (4, 1, 3, 3))
    )
    for wrong in (None, pda.ConditionalSampler(prior, window=2)):
        with pytest.raises(DataError, match="give one for windows of side region=3"):
            replacements("conditional", image, regions, region=3, repeats=2, sampler=wrong)


def linear_curves(image, weight, relevance, order, repeats=4_000):
    w = torch.tensor(weight, dtype=torch.float64)
    return pda.perturbation_curves(
        lambda batch: (batch.double() * w).flatten(1).sum(1),
        image,
        relevance,
        region=2,
        steps=6,
        repeats=repeats,
        order=order,
        value_range=(-1.0, 3.0),
        batch_size=5_000,
    )


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_expected_aopc_of_a_linear_function_has_a_closed_form(generator, order):
    """F = w.x, noise uniform in (a, b): E f(x) - f(x_k) = sum of w (x - (a+b)/2) over k regions."""
    image = generator.uniform(size=(1, 6, 6)).astype(np.float32)
    weight = generator.normal(size=(1, 6, 6))
    relevance = (weight * image)[0]
    lost = weight * (image - (-1.0 + 3.0) / 2)
    corners = region_order(relevance, 2, order)[:6]
    drops = [lost[:, y : y + 2, x : x + 2].sum() for y, x in corners]
    expected = np.concatenate([[0], np.cumsum(drops)]).sum() / 7
    values = pda.aopc(linear_curves(image, weight, relevance, order))
    assert abs(values.mean() - expected) < 5 * values.std() / np.sqrt(len(values))


def test_most_relevant_first_beats_random_beats_least_relevant_first(generator):
    """For a linear function whose regions' losses are known, on every image."""
    for seed in range(3):
        image = generator.uniform(size=(1, 6, 6)).astype(np.float32)
        weight = generator.normal(size=(1, 6, 6))
        exact = (weight * (image - 1.0))[0]
        shuffled = np.random.default_rng(seed).normal(size=(6, 6))
        found = [
            pda.aopc(linear_curves(image, weight, relevance, order, 500)).mean()
            for relevance, order in ((exact, "morf"), (shuffled, "morf"), (exact, "lerf"))
        ]
        assert found == sorted(found, reverse=True)


def test_maps_without_relevance_are_a_random_order_in_every_image(generator):
    """As often in each place first: the order of ties belongs to the image."""
    firsts = []
    for image in generator.uniform(size=(40, 1, 4, 4)).astype(np.float32):
        seen = []

        def record(batch, seen=seen):
            seen.extend(batch.numpy().copy())
            return total(batch)

        pda.perturbation_curves(record, image, np.zeros((4, 4)), region=2, steps=1, repeats=1)
        changed = np.argwhere(seen[1][0] != image[0])
        firsts.append(tuple(changed[0]))
    counts = [firsts.count(place) for place in ((0, 0), (0, 2), (2, 0), (2, 2))]
    assert sum(counts) == 40
    assert min(counts) >= 3


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


@pytest.mark.parametrize(("papers", "ours"), [("MoRF", "morf"), ("LeRF", "lerf")])
def test_orders_may_be_written_as_in_papers(generator, papers, ours):
    image = generator.uniform(size=(1, 6, 6)).astype(np.float32)
    relevance = generator.normal(size=(6, 6))
    np.testing.assert_array_equal(
        region_order(relevance, 2, papers), region_order(relevance, 2, ours)
    )
    curves = [
        pda.perturbation_curves(total, image, relevance, region=2, steps=4, repeats=2, order=order)
        for order in (papers, ours)
    ]
    np.testing.assert_array_equal(*curves)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "most"}, r"order='most': is unknown; .* choices are morf, lerf, MoRF, LeRF$"),
        ({"perturbation": "gauss"}, "perturbation='gauss': is unknown; choose one of uniform, bl"),
        ({"region": 0}, "region=0: is less than 1; set it to 1 or more"),
        ({"steps": 0}, "steps=0: is less than 1; set it to 1 or more"),
        ({"repeats": 0}, "repeats=0: is less than 1; set it to 1 or more"),
        ({"batch_size": 0}, "batch_size=0: is less than 1; set it to 1 or more"),
        ({"value_range": (1, 0)}, r"value_range=\(1, 0\): falls; give the lowest value"),
        ({"value_range": (0, 1, 2)}, r"value_range=\(0, 1, 2\): has 3 values; give 2 of them"),
        ({"sampler": "uniform"}, "sampler='uniform': is of type str; give a Sampler"),
        ({"device": "gpu"}, "device='gpu': is unknown; choose one of cpu, cuda"),
        ({"step": 2}, "step=2: perturbation_curves has no such option; did you mean 'steps'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_wrong_options_of_curves_are_refused(options, message):
    image = np.zeros((1, 8, 8))
    with pytest.raises(DataError, match=message):
        pda.perturbation_curves(total, image, image[0], **{"region": 2, "steps": 2, **options})


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["nan", "inf"])
def test_numbers_that_are_not_finite_are_neither_perturbed_nor_ranked(value):
    image, spoiled = np.zeros((1, 8, 8)), np.zeros((1, 8, 8))
    spoiled[0, 1, 2] = value
    with pytest.raises(DataError, match="image: holds NaN or infinity at 1 of 64 places"):
        pda.perturbation_curves(total, spoiled, image[0], region=2, steps=2)
    with pytest.raises(DataError, match="relevance: holds NaN or infinity at 1 of 64 places"):
        pda.perturbation_curves(total, image, spoiled[0], region=2, steps=2)
    with pytest.raises(DataError, match="relevance: holds NaN or infinity at 1 of 64 places"):
        region_order(spoiled[0], 2)
    with pytest.raises(DataError, match="curves: holds NaN or infinity at 1 of 8 places"):
        pda.aopc(spoiled[0, 1])


def test_aopc_of_no_curves_is_refused():
    with pytest.raises(DataError, match=r"curves of shape \(3, 0\): hold no steps; give"):
        pda.aopc(np.zeros((3, 0)))
    with pytest.raises(DataError, match=r"curves=.*: is of type list; give a numpy array"):
        pda.aopc([1.0, 0.5])
    with pytest.raises(DataError, match="curves: has values of type <U1; give an array of real"):
        pda.aopc(np.array(["a"]))
