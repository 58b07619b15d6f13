"""Feature maps and units as what is explained: all at once equals each alone, and equals loops."""

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from prediction_difference.attribution.engines.sampled import layer_values
from prediction_difference.errors import DataError

MAPS = 6


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, MAPS, 3),
        nn.ReLU(inplace=True),
        nn.Conv2d(MAPS, 4, 3, stride=2),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(16, 5),
        nn.ReLU(),
        nn.Linear(5, 3),
    )


@pytest.fixture
def images(generator) -> np.ndarray:
    return generator.normal(size=(9, 2, 7, 8)).astype(np.float32)


def explain(module, images, nodes, **options):
    sampler = pda.MarginalSampler(images[1:], 3)
    analysis = pda.PredictionDifference(module, sampler, 3, samples=4, seed=5, **options)
    return analysis.attribute(images[0], nodes)


def test_all_maps_in_one_pass_are_those_of_single_nodes(module, images):
    nodes = [pda.Node.feature_map("0", unit) for unit in range(MAPS)]
    together = explain(module, images, [*nodes, pda.Node.probability(1)])
    for place, node in enumerate(nodes):
        alone = explain(module, images, [node])
        np.testing.assert_allclose(together.relevance[place], alone.relevance[0], atol=1e-6)
    assert together.forwards == explain(module, images, nodes[:1]).forwards


def test_a_map_is_the_mean_of_its_units(module, images):
    units = [pda.Node.unit("2", 3, (y, x)) for y in range(2) for x in range(2)]
    found = explain(module, images, [pda.Node.feature_map("2", 3), *units])
    np.testing.assert_allclose(found.relevance[0], found.relevance[1:].mean(0), atol=1e-6)
    np.testing.assert_allclose(found.values[0], found.values[1:].mean(), atol=1e-6)


def test_the_order_of_nodes_of_many_kinds_does_not_matter(module, images):
    nodes = [
        pda.Node.unit("5", 2),
        pda.Node.probability(0),
        pda.Node.feature_map("0", 4),
        pda.Node.unit("0", 4, (1, 2)),
        pda.Node.feature_map("5", 2),
        pda.Node.score(2),
        pda.Node.feature_map("0", 1),
    ]
    found = explain(module, images, nodes)
    backwards = explain(module, images, nodes[::-1])
    np.testing.assert_array_equal(found.relevance, backwards.relevance[::-1])
    np.testing.assert_array_equal(found.relevance[0], found.relevance[4])


def test_values_are_taken_before_later_layers_write_into_them(module, images):
    with torch.inference_mode():
        before = module[0](torch.from_numpy(images[:1]))[0]
    found = explain(module, images, [pda.Node.feature_map("0", 3), pda.Node.unit("0", 3, (2, 1))])
    np.testing.assert_allclose(found.values, [before[3].mean(), before[3, 2, 1]], atol=1e-6)
    assert before.min() < 0


def test_units_of_volumes_have_three_numbers():
    output = torch.arange(2 * 3 * 2 * 2 * 2).reshape(2, 3, 2, 2, 2).float()
    nodes = [pda.Node.unit("l", 1, (0, 1, 1)), pda.Node.feature_map("l", 2)]
    expected = [[output[n, 1, 0, 1, 1], output[n, 2].mean()] for n in range(2)]
    np.testing.assert_array_equal(layer_values(output, nodes), np.array(expected))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (pda.Node.unit("0", 6, (0, 0)), "there are 6 maps; choose a number from 0 to 5"),
        (pda.Node.unit("0", 0, (5, 0)), "there are 5 places along an axis"),
        (pda.Node.unit("0", 0), "its position has 0 numbers, the layer has 2 spatial axes; give 2"),
        (pda.Node.unit("5", 5), "there are 5 units"),
        (pda.Node.unit("nowhere", 0), "layer 'nowhere': is unknown"),
    ],
)
def test_units_that_do_not_exist_are_refused(module, images, node, message):
    with pytest.raises(DataError, match=message):
        explain(module, images, [node])


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def test_layers_that_return_no_single_array_are_refused(images):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair = Pair()

        def forward(self, x):
            return self.pair(x)[0].flatten(1)[:, :3]

    with pytest.raises(DataError, match="layer 'pair': does not return one array"):
        explain(Network(), images, [pda.Node.feature_map("pair", 0)])
