"""Hidden layers as what is removed, against eq. 5 of Zintgraf et al. 2017 in plain loops."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from prediction_difference.errors import DataError

S, SEED = 4, 3


def network(dimensions: int) -> nn.Sequential:
    torch.manual_seed(2)
    convolution = (nn.Conv2d, nn.Conv3d)[dimensions - 2]
    pool = (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[dimensions - 2]
    return nn.Sequential(
        convolution(2, 4, 3),
        nn.ReLU(inplace=True),
        convolution(4, 3, 2),
        nn.ReLU(inplace=True),
        pool(2),
        nn.Flatten(),
        nn.Linear(3 * 2**dimensions, 6),
        nn.ReLU(inplace=True),
        nn.Linear(6, 3),
    )


def rest_of(module: nn.Sequential, layer: int, h: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module[layer + 1 :](torch.tensor(h, dtype=torch.float32)[None])[0].numpy()


def equation_5(module, layer, sampler, h, c, k):
    """AD of the score of a class for windows of side k of h (units, *places), one at a time."""
    relevance, counts = np.zeros(h.shape[1:]), np.zeros(h.shape[1:])
    for corner in itertools.product(*(range(side - k + 1) for side in h.shape[1:])):
        box = tuple(slice(first, first + k) for first in corner)
        total = 0.0
        for draw in sampler.sample(h, np.array([corner]), S, SEED)[0]:
            changed = h.copy()
            changed[(slice(None), *box)] = draw
            total += rest_of(module, layer, changed)[c]
        relevance[box] += rest_of(module, layer, h)[c] - total / S
        counts[box] += 1
    return relevance / counts


def equation_5_for_units(module, layer, sampler, h, c):
    """AD of the score of a class for each unit of h alone."""
    relevance = np.zeros(h.shape)
    for unit in np.ndindex(h.shape):
        total = 0.0
        for draw in sampler.sample(h[None], np.array([unit]), S, SEED)[0]:
            changed = h.copy()
            changed[unit] = draw.item()
            total += rest_of(module, layer, changed)[c]
        relevance[unit] = rest_of(module, layer, h)[c] - total / S
    return relevance


def case(generator, dimensions):
    spatial = ((8, 7), (6, 6, 7))[dimensions - 2]
    images = generator.normal(size=(20, 2, *spatial)).astype(np.float32)
    return network(dimensions), images


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize(("layer", "k"), [(0, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("kind", ["marginal", "conditional"])
def test_windows_of_a_layer_are_those_of_equation_5(generator, dimensions, layer, k, kind):
    module, images = case(generator, dimensions)
    others = pda.layer_activations(module, str(layer), images[1:])
    h = pda.layer_activations(module, str(layer), images[:1])[0]
    if kind == "marginal":
        sampler = pda.MarginalSampler(others, k)
    else:
        sampler = pda.ConditionalSampler(pda.GaussianPatchPrior.fit(others, k + 1, patches=600), k)
    analysis = pda.PredictionDifference(
        module, sampler, k, samples=S, seed=SEED, layer=str(layer), batch_size=7
    )
    found = analysis.attribute(images[0], [pda.Node.score(1), pda.Node.probability(2)])
    assert found.relevance.shape == (2, *h.shape[1:])
    np.testing.assert_allclose(
        found.relevance[0], equation_5(module, layer, sampler, h, 1, k), atol=2e-5
    )


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("kind", ["marginal", "conditional", "neighbourhood"])
def test_single_units_of_a_layer_are_those_of_equation_5(generator, dimensions, kind):
    module, images = case(generator, dimensions)
    others = pda.layer_activations(module, "2", images[1:])
    h = pda.layer_activations(module, "2", images[:1])[0]
    sampler = {
        "marginal": lambda: pda.MarginalSampler(others[:, None], 1),
        "conditional": lambda: pda.UnitSampler.fit(others, patches=600),
        "neighbourhood": lambda: pda.UnitSampler.fit(others, 3, "independent", patches=600),
    }[kind]()
    analysis = pda.PredictionDifference(
        module, sampler, 1, samples=S, seed=SEED, layer="2", units=True
    )
    found = analysis.attribute(images[0], [pda.Node.score(0)])
    expected = equation_5_for_units(module, 2, sampler, h, 0)
    np.testing.assert_allclose(found.relevance[0], expected, atol=2e-5)


@pytest.mark.parametrize("units", [False, True])
@pytest.mark.parametrize("kind", ["marginal", "conditional"])
def test_units_of_a_vector_are_those_of_equation_5(generator, units, kind):
    module, images = case(generator, 2)
    others = pda.layer_activations(module, "6", images[1:])
    h = pda.layer_activations(module, "6", images[:1])[0]
    assert h.shape == (6,)
    assert h.min() < 0  # before the rectifier that works in place
    sampler = {
        "marginal": lambda: pda.MarginalSampler(others[:, None], 1),
        "conditional": lambda: pda.UnitSampler.fit(others),
    }[kind]()
    analysis = pda.PredictionDifference(
        module, sampler, 1, samples=S, seed=SEED, layer="6", units=units
    )
    found = analysis.attribute(images[0], [pda.Node.score(2)])
    expected = equation_5_for_units(module, 6, sampler, h, 2)
    np.testing.assert_allclose(found.relevance[0], expected, atol=2e-5)


class Branches(nn.Module):
    """Two branches, joined by concatenation or by addition; the third score sees the second only.

    Each way of joining needs another way of running the branch that is not removed.
    """

    def __init__(self, joins: str):
        super().__init__()
        torch.manual_seed(4)
        self.first = nn.Conv2d(1, 2, 3)
        self.second = nn.Conv2d(1, 2, 3)
        self.joins = joins
        self.joined = nn.Identity()

    def forward(self, x):
        a, b = self.first(x), self.second(x)
        join = torch.cat([a, b], dim=1) if self.joins == "cat" else a + b.square()
        join = self.joined(join).mean((2, 3))
        return torch.stack([join.sum(1), (join**2).sum(1), b.mean((1, 2, 3))], dim=1)


@pytest.mark.parametrize("joins", ["cat", "add"])
def test_what_the_layer_does_not_reach_gets_nothing(generator, joins):
    module = Branches(joins)
    images = generator.normal(size=(9, 1, 6, 6)).astype(np.float32)
    sampler = pda.MarginalSampler(pda.layer_activations(module, "first", images[1:]), 2)
    analysis = pda.PredictionDifference(module, sampler, 2, samples=S, layer="first")
    nodes = [pda.Node.score(2), pda.Node.feature_map("second", 0), pda.Node.score(1)]
    found = analysis.attribute(images[0], nodes)
    assert (found.relevance[2] != 0).all()
    # On some processors a batch of another size is rounded in another way.
    assert np.abs(found.relevance[:2]).max() < 1e-5 * np.abs(found.relevance[2]).max()


def test_branches_are_those_of_equation_5(generator):
    """For each way of joining, by a plain loop over the joined layer."""
    images = generator.normal(size=(9, 1, 6, 6)).astype(np.float32)
    for joins in ("cat", "add"):
        module = Branches(joins)
        others = pda.layer_activations(module, "first", images[1:])
        h = torch.from_numpy(pda.layer_activations(module, "first", images[:1])[0])
        sampler = pda.MarginalSampler(others, 2)
        found = pda.PredictionDifference(
            module, sampler, 2, samples=S, seed=SEED, layer="first"
        ).attribute(images[0], [pda.Node.score(1)])
        second = module.second(torch.from_numpy(images[:1])).detach()

        def score(a, second=second, joins=joins):
            join = torch.cat([a[None], second], 1) if joins == "cat" else a + second.square()
            return float((join.mean((2, 3)) ** 2).sum())

        draws = sampler.sample(h.numpy(), np.array([[1, 2]]), S, SEED)[0]
        total = 0.0
        for draw in draws:
            changed = h.clone()
            changed[:, 1:3, 2:4] = torch.from_numpy(draw)
            total += score(changed)
        assert found.window_score[0, 1, 2] == pytest.approx(score(h) - total / S, abs=1e-5)


def test_all_nodes_of_a_deeper_layer_in_one_pass(generator):
    module, images = case(generator, 2)
    sampler = pda.MarginalSampler(pda.layer_activations(module, "0", images[1:]), 2)
    analysis = pda.PredictionDifference(module, sampler, 2, samples=S, seed=SEED, layer="0")
    nodes = [pda.Node.feature_map("2", unit) for unit in range(3)]
    together = analysis.attribute(images[0], nodes).relevance
    alone = [analysis.attribute(images[0], [node]).relevance[0] for node in nodes]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_conditional_of_units_is_that_of_the_textbook(generator):
    """Mean and covariance from the partitioned covariance, for a neighbourhood at the border."""
    root = generator.normal(size=(4, 4))
    activations = (generator.normal(size=(500, 5, 5, 4)) @ root.T).transpose(0, 3, 1, 2)
    sampler = pda.UnitSampler.fit(activations.astype(np.float32), 2, patches=4_000)
    h = activations[0].astype(np.float32)
    corner = np.array([[3, 4, 2]])
    draws = sampler.sample(h[None], corner, 40_000, SEED).ravel()
    x, index = h[:, 3:5, 2:4].ravel(), 3 * 4 + 2  # the patch is shifted inside: place (1, 0)
    rest = np.delete(np.arange(16), index)
    mean, covariance = sampler.prior.mean.ravel(), sampler.prior.covariance
    slope = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, index])
    expected = mean[index] + slope @ (x - mean)[rest]
    variance = covariance[index, index] - slope @ covariance[rest, index]
    assert draws.mean() == pytest.approx(expected, abs=4 * np.sqrt(variance / 40_000))
    assert draws.var() == pytest.approx(variance, rel=0.05)


def test_draws_of_units_belong_to_their_place(generator):
    activations = generator.normal(size=(50, 3, 5, 4)).astype(np.float32)
    sampler = pda.UnitSampler.fit(activations, 3, clip=(0.0, np.inf))
    corners = np.array(list(np.ndindex(3, 5, 4)))
    together = sampler.sample(activations[:1], corners, 6, SEED)
    assert together.min() == 0
    for part in (corners[7:8], corners[::-1]):
        rows = [np.flatnonzero((corners == corner).all(1))[0] for corner in part]
        alone = sampler.sample(activations[:1], part, 6, SEED)
        np.testing.assert_allclose(alone, together[rows], atol=1e-5)
    with pytest.raises(DataError, match="unit sampler: is over patches of shape"):
        sampler.sample(activations[:1, :2], corners[:1], 6, SEED)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)
        self.unused = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return self.layer(self.layer(x)).flatten(1)[:, :3]


def test_what_cannot_be_removed_is_refused(generator):
    module, images = case(generator, 2)
    sampler = pda.MarginalSampler(pda.layer_activations(module, "2", images[1:]), 2)
    options = {"window": 2, "samples": S}
    node = [pda.Node.score(0)]

    def refuse(message, classifier=module, nodes=node, sampler=sampler, **changes):
        with pytest.raises(DataError, match=message):
            pda.PredictionDifference(classifier, sampler, **options | changes).attribute(
                images[0, : 1 + (classifier is module)], nodes
            )

    refuse("layer 'nowhere': is unknown", layer="nowhere")
    refuse("'layer': is used 2 times", classifier=Twice(), layer="layer")
    refuse("'unused': is used 0 times", classifier=Twice(), layer="unused")
    for earlier in ("0", "2"):
        refuse(
            f"layer '{earlier}': does not come after '2', whose units are removed; explain a",
            nodes=[pda.Node.feature_map(earlier, 0)],
            layer="2",
        )
    refuse("name the layer and set window=1", layer="2", units=True)
    refuse("layer '6' is a vector, whose units have no neighbours", layer="6")
    refuse(
        "is not for windows of layer '2'; set precision to float32", layer="2", precision="bfloat16"
    )
    refuse("a linear classifier has no layers", layer="2", engine="linear")
    other = pda.MarginalSampler(images[1:], 2)
    refuse("marginal sampler: has 19 images of shape", sampler=other, layer="2")
    with pytest.raises(DataError, match="layer 'unused': is not used for the class scores"):
        pda.layer_activations(Twice(), "unused", images[:, :1])
