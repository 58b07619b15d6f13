"""The other heatmap methods, against finite differences and closed forms."""

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.errors import DataError


def smooth_network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 3 * 4, 3))


@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("linf", np.inf)])
@pytest.mark.parametrize("kind", ["score", "probability"])
def test_sensitivity_is_the_norm_of_finite_differences(generator, norm, order, kind):
    module, image = smooth_network().double(), generator.normal(size=(2, 5, 6))

    def value(x):
        scores = module(torch.tensor(x[None]))
        return float((scores.softmax(1) if kind == "probability" else scores)[0, 1].detach())

    step = 1e-5
    gradient = np.zeros_like(image)
    for index in np.ndindex(image.shape):
        shift = np.zeros_like(image)
        shift[index] = step
        gradient[index] = (value(image + shift) - value(image - shift)) / (2 * step)
    node = pda.Node(kind, 1)
    found = pda.heatmap("sensitivity", module.float(), image, node, norm=norm)
    np.testing.assert_allclose(found, np.linalg.norm(gradient, order, axis=0), rtol=1e-3, atol=1e-6)


def test_sensitivity_of_a_linear_classifier_is_half_its_weights(generator):
    weight = generator.normal(size=(1, 4, 5, 3))
    module = LinearModule(pda.LinearClassifier(weight, 0.1))
    image = generator.normal(size=weight.shape)
    found = pda.heatmap("sensitivity", module, image, pda.Node.score(1))
    np.testing.assert_allclose(found, np.abs(weight[0]) / 2, rtol=1e-5)


def test_random_belongs_to_seed_and_image(generator):
    image, node = generator.normal(size=(1, 9, 9)), pda.Node.score(0)
    first = pda.heatmap("random", None, image, node, seed=1)
    assert (first == pda.heatmap("random", None, image, node, seed=1)).all()
    assert (first != pda.heatmap("random", None, image, node, seed=2)).any()
    assert (first != pda.heatmap("random", None, image + 1, node, seed=1)).any()
    assert len(np.unique(first)) == 81


def test_unknown_methods_and_nodes_are_refused():
    with pytest.raises(
        DataError, match=r"method 'sensitivty': is unknown; methods are random, sens"
    ):
        pda.heatmap("sensitivty", None, np.zeros((1, 2, 2)), pda.Node.score(0))
    with pytest.raises(DataError, match="explains classes"):
        pda.heatmap("random", None, np.zeros((1, 2, 2)), pda.Node.feature_map("a", 0))
