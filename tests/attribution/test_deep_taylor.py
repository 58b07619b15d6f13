"""Deep Taylor decomposition against closed forms, its propositions, and another library."""

from typing import Any

import numpy as np
import pytest
import torch
import zennit.composites
import zennit.rules
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import prediction_difference as pda
from example_networks import LAYERS, Branches, at_random, matrix_of, of_torchvision
from prediction_difference.attribution.relevance.passing import layers_of_pixels, passed_back
from prediction_difference.attribution.relevance.redistribution import (
    Box,
    Positive,
    Redistribution,
    SquaredWeights,
)
from prediction_difference.classifiers.detection_pooling import DetectionPooling
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.networks import Normalise, Preprocessed
from prediction_difference.errors import DataError


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bias", ["ignored", "absorbs"])
def test_rules_are_their_formulas(name: str, bias: Any) -> None:
    """Montavon et al., sections 4.1, 4.2 and 6.2, written with the layer's matrix."""
    layer, shape = LAYERS[name]
    at_random(layer)
    torch.manual_seed(1)
    x = torch.rand(2, *shape)
    low = -torch.rand(1, *shape)
    high = 1 + torch.rand(1, *shape)
    with torch.no_grad():
        output = layer(x)
    signal = torch.rand_like(output)
    graph = follow(nn.Sequential(layer, nn.Flatten()) if output.ndim > 2 else layer, x[0])
    operation = graph.steps[1].operation
    w = matrix_of(layer, x[0])
    b = layer(torch.zeros_like(x[:1])).detach().flatten().clamp(min=0)
    b = b if bias == "absorbs" else 0 * b
    for image in range(2):
        xi, r = x[image].flatten(), signal[image].flatten()
        z = w * xi
        box = z - low.flatten() * w.clamp(min=0) - high.flatten() * w.clamp(max=0)
        cases: list[tuple[Redistribution, Tensor, Tensor]] = [
            (Positive(bias=bias), xi * w.clamp(min=0), b),
            (Box(bias=bias, low=low, high=high), box, b),
            (SquaredWeights(bias=bias), w.square(), 0 * b),
        ]
        for rule, q, constant in cases:
            expected = (q / (q.sum(1) + constant)[:, None] * r[:, None]).sum(0)
            (found,) = rule(operation, [x], output, signal)
            torch.testing.assert_close(found[image].flatten(), expected, atol=1e-5, rtol=1e-4)


@given(st.data())
def test_propositions_one_to_three(data: st.DataObject) -> None:
    """On one layer of detectors with biases of at most 0, every rule conserves and is positive."""
    sides = st.integers(1, 6)
    inputs, detectors = data.draw(sides), data.draw(sides)
    torch.manual_seed(data.draw(st.integers(0, 10_000)))
    layer = nn.Linear(inputs, detectors).double()
    with torch.no_grad():
        layer.bias.copy_(-layer.bias.abs())
    pooling = nn.Linear(detectors, 1, bias=False).double()
    nn.init.ones_(pooling.weight)
    network = nn.Sequential(layer, nn.ReLU(), pooling)
    low = -torch.rand(1, inputs, dtype=torch.float64)
    high = torch.rand(1, inputs, dtype=torch.float64)
    anywhere = torch.randn(5, inputs, dtype=torch.float64)
    in_box = low + (high - low) * torch.rand(5, inputs, dtype=torch.float64)
    cases = [(SquaredWeights(), anywhere), (Positive(), anywhere.abs())]
    cases += [(Box(low=low, high=high), in_box)]
    for rule, x in cases:
        graph = follow(network, x[0])
        values = graph.run(x)
        score = values[graph.output].detach()
        found = passed_back(graph, values, score, Positive(), 0, {1: rule}).detach()
        torch.testing.assert_close(found.sum(1), score[:, 0])
        assert float(found.min()) >= 0


def detector(seed: int = 0) -> nn.Module:
    """A deep network without positive biases, whose score is a sum of detectors."""
    network = at_random(nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.LocalResponseNorm(3),
        nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(24, 10), nn.ReLU(), nn.Linear(10, 2, bias=False),
    ), seed)  # fmt: skip
    with torch.no_grad():
        for layer in network:
            if getattr(layer, "bias", None) is not None:
                layer.bias.copy_(-0.05 * layer.bias.abs())
        network[-1].weight.abs_()
    return network.eval()


@pytest.mark.parametrize("first", ["zB", "w2", "z+"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_deep_networks_keep_sum_and_sign(generator: Any, first: Any, seed: int) -> None:
    network, image = detector(seed), generator.random((3, 16, 16)).astype(np.float32)
    with torch.no_grad():
        score = float(network(torch.from_numpy(image[None]))[0, 1])
    assert score > 0
    found = pda.heatmap("deep_taylor", network, image, pda.Node.score(1), first=first)
    assert found.shape == (16, 16)
    assert found.min() >= 0
    # Means divide by sums that a millionth keeps from vanishing.
    assert found.sum() == pytest.approx(score, rel=1e-4)


def test_positive_biases_keep_what_they_receive(generator: Any) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
    with torch.no_grad():
        network[1].weight.fill_(0.5)
        network[1].bias.fill_(2.0)
    image = np.full((3, 2, 2), 0.5, dtype=np.float32)
    node = pda.Node.score(0)
    found = pda.heatmap("deep_taylor", network, image, node)
    # f = 12 / 4 + 2: pixels are 3 of 5 parts, and receive as much of f.
    assert found.sum() == pytest.approx(3.0)
    kept = pda.heatmap("deep_taylor", network, image, node, bias="ignored")
    assert kept.sum() == pytest.approx(5.0)


@pytest.mark.parametrize("joins", ["sum", "cat"])
def test_branches_and_residuals_stay_positive(generator: Any, joins: str) -> None:
    ways = [nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Identity()]
    network = at_random(nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), Branches(ways, joins), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    ))  # fmt: skip
    image = generator.random((3, 8, 8)).astype(np.float32)
    with torch.no_grad():
        scores = network(torch.from_numpy(image[None]))[0]
    index = int(scores.argmax())
    found = pda.heatmap("deep_taylor", network, image, pda.Node.score(index))
    assert found.min() >= 0
    assert found.sum() == pytest.approx(float(scores[index]), rel=1e-4)


def test_googlenet_is_followed_and_positive() -> None:
    module = of_torchvision("googlenet")
    torch.manual_seed(0)
    image = torch.rand(3, 64, 64).numpy()
    with torch.no_grad():
        scores = module(torch.from_numpy(image[None]))[0]
    found = pda.heatmap("deep_taylor", module, image, pda.Node.score(int(scores.argmax())))
    assert found.min() >= 0
    assert 0 < found.sum() <= float(scores.max()) * (1 + 1e-4)


def test_the_box_is_that_of_normalised_channels(generator: Any) -> None:
    """The rule by hand, behind a preprocessing that turns channels round."""
    mean, std = (10.0, 20.0, 30.0), (1.0, 2.0, 4.0)
    layer = nn.Linear(12, 1, bias=False)
    nn.init.normal_(layer.weight)
    network = Preprocessed(Normalise(mean, std, 255, True), nn.Sequential(nn.Flatten(), layer))
    image = generator.random((3, 2, 2)).astype(np.float32)
    preprocess = network.preprocessing
    x, low, high = (
        preprocess(torch.from_numpy(part)[None]).flatten()
        for part in (image, np.zeros_like(image), np.ones_like(image))
    )
    w = layer.weight.detach()[0]
    q = x * w - low * w.clamp(min=0) - high * w.clamp(max=0)
    score = float((x * w).sum())
    expected = (q / q.sum() * score).reshape(3, 2, 2).sum(0)
    found = pda.heatmap("deep_taylor", network, image, pda.Node.score(0), bias="ignored")
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4)


def test_single_layers_have_rules_of_their_own(generator: Any) -> None:
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False)
    )
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]))
        network[3].weight.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
    image = np.array([[[0.5, 0.25], [0.125, 0.125]]], dtype=np.float32)
    score = 0.5 + 0.5 + 0.75
    found = pda.heatmap(
        "deep_taylor", network, image, pda.Node.score(0), first="w2", layers={"3": "w2"}
    )
    # Squared weights 1, 4, 9 above; below, one pixel each, and two with equal weights.
    np.testing.assert_allclose(found.flatten() / score, np.array([1, 4, 4.5, 4.5]) / 14, rtol=1e-6)


def test_layers_of_pixels_are_found_behind_preprocessing() -> None:
    module = of_torchvision("googlenet", is_normalised=True)
    graph = follow(module, torch.rand(3, 64, 64))
    assert len(layers_of_pixels(graph)) == 1
    two = Branches([nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 3, padding=1)], "cat")
    graph = follow(nn.Sequential(two, nn.Conv2d(4, 1, 1), nn.Flatten()), torch.rand(3, 5, 5))
    assert len(layers_of_pixels(graph)) == 2


def test_rules_are_those_of_zennit() -> None:
    """Without biases, where zennit's box leaves out what the paper says of them."""
    module = at_random(nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2, bias=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(8 * 16, 4, bias=False),
    ))  # fmt: skip
    torch.manual_seed(4)
    images = torch.rand(2, 3, 10, 10)
    for first, rule in (
        ("zB", zennit.rules.ZBox(torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1))),
        ("w2", zennit.rules.WSquare()),
    ):
        composite = zennit.composites.MixedComposite(
            [
                zennit.composites.NameMapComposite([(["0"], rule)]),
                zennit.composites.LayerMapComposite(
                    [
                        (zennit.types.Linear, zennit.rules.ZPlus()),
                        (zennit.types.Activation, zennit.rules.Pass()),
                    ]
                ),
            ]
        )
        leaf = images.clone().requires_grad_()
        with composite.context(module) as modified:
            scores = modified(leaf)
            signal = torch.zeros_like(scores)
            signal[:, 1] = scores[:, 1].detach()
            (expected,) = torch.autograd.grad(scores, leaf, signal)
        for image, theirs in zip(images.numpy(), expected.sum(1).numpy(), strict=True):
            ours = pda.heatmap("deep_taylor", module, image, pda.Node.score(1), first=first)
            np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-4 * np.abs(theirs).max())


def pairs_network(models: int = 1) -> nn.Module:
    torch.manual_seed(3)
    return Preprocessed(
        Normalise((0.5,), (1.0,), 2), DetectionPooling(32, 12, 3, 50.0, models)
    ).eval()


def test_a_relevance_model_shares_as_its_detectors_do(generator: Any) -> None:
    """Equations 14 and 15, with q of zB, in ten lines."""
    classifier = pairs_network(2)
    image = generator.random((1, 4, 8)).astype(np.float32)
    network: Any = classifier.network
    model = network.models[1]
    with torch.no_grad():
        x = torch.from_numpy(2 * image.reshape(1, 32) - 0.5)
        upper = network.upper_detectors(x)
        a = (upper @ model.inhibition.weight.T + model.inhibition.bias).clamp(max=0)
        v = model.detection.weight
        y = (x @ v.T + a).relu()[0]
        q = x * v + 0.5 * v.clamp(min=0) - 1.5 * v.clamp(max=0)
        expected = (q / q.sum(1, keepdim=True) * y[:, None]).sum(0).reshape(4, 8)
    node = pda.Node.score(1)
    found = pda.heatmap("deep_taylor", classifier, image, node, relevance_model=1)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-7)
    assert found.sum() == pytest.approx(float(y.sum()), rel=1e-4)


def test_true_relevance_of_pools_is_that_of_the_rules(generator: Any) -> None:
    """What relevance models learn is what z+ gives to the pools of the first layer."""
    classifier = pairs_network()
    network: Any = classifier.network
    x = torch.from_numpy(generator.random((2, 32)).astype(np.float32))
    network.detection1.bias.data.fill_(-0.01)
    graph = follow(network, x[0].view(1, 4, 8))
    values = graph.run(x.view(2, 1, 4, 8))
    number = next(n for n, step in enumerate(graph.steps) if step.shape == (3,))
    signal = torch.zeros_like(values[graph.output])
    signal[:, 1] = values[graph.output][:, 1]
    expected = passed_back(graph, values, signal.detach(), Positive(), number)
    torch.testing.assert_close(network.true_relevance(x), expected)


def test_means_of_pixels_lie_in_a_box_too(generator: Any) -> None:
    network = at_random(nn.Sequential(
        nn.AvgPool2d(2), nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 36, 2, bias=False),
    ))  # fmt: skip
    with torch.no_grad():
        network[4].weight.abs_()
    image = generator.random((3, 16, 16)).astype(np.float32)
    maps = [
        pda.heatmap("deep_taylor", network, image, pda.Node.score(1), first=first)
        for first in ("zB", "w2", "z+")
    ]
    with torch.no_grad():
        score = float(network(torch.from_numpy(image[None]))[0, 1])
    for one in maps:
        assert one.sum() == pytest.approx(score, rel=1e-4)
        assert one.min() >= 0
    assert not np.allclose(maps[0], maps[1])
    behind = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(DataError, match=r"first: zB: no convolution .* set it to z\+"):
        pda.heatmap("deep_taylor", behind, image[:, :4, :4], pda.Node.score(1))


WRONG = [
    ({}, 2.0, "images: have values of .* not 0 to 1; set lowest and highest"),
    (
        {"layers": {"nothing": "w2"}},
        0.5,
        "layer 'nothing': is no convolution .* it has 0, 4, 8, 10",
    ),
    ({"layers": {"4": "zB"}}, 0.5, "layer '4': takes no pixels.*give it z\\+ or w2"),
    ({"relevance_model": 0}, 0.5, "relevance_model 0: is asked for, and the classifier has 0"),
]


@pytest.mark.parametrize(("options", "value", "message"), WRONG)
def test_what_cannot_be_is_refused(options: Any, value: float, message: str) -> None:
    image = np.full((3, 16, 16), value, dtype=np.float32)
    with pytest.raises(DataError, match=message):
        pda.heatmap("deep_taylor", detector(), image, pda.Node.score(1), **options)


def test_relevance_models_explain_what_is_detected() -> None:
    image = np.full((1, 4, 8), 0.5, dtype=np.float32)
    with pytest.raises(DataError, match="explains the score of what is detected"):
        pda.heatmap("deep_taylor", pairs_network(), image, pda.Node.score(0), relevance_model=0)
    with pytest.raises(DataError, match="set output: score"):
        pda.heatmap("deep_taylor", pairs_network(), image, pda.Node.probability(1))
