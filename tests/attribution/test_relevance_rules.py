"""Backward rules against closed forms, brute force, conservation, and other libraries."""

from typing import Any

import captum.attr
import pytest
import torch
import zennit.composites
import zennit.rules
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from example_networks import LAYERS, at_random, matrix_of, of_torchvision, small_networks
from prediction_difference.attribution.relevance.gradients import (
    deconvolution,
    gradient,
    guided_backpropagation,
)
from prediction_difference.attribution.relevance.passing import Rule, first_layer, passed_back
from prediction_difference.attribution.relevance.redistribution import (
    AlphaBeta,
    Epsilon,
    Redistribution,
)
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.operations import (
    Convolution,
    Linear,
    MaxPool,
    Pad,
    Pointwise,
)
from prediction_difference.errors import DataError


def back(module: nn.Module, images: Tensor, rule: Rule, index: int | None = None) -> Tensor:
    """(N, C, *spatial) what reaches the images from the scores, or from one of them."""
    graph = follow(module, images[0])
    with torch.no_grad():
        values = graph.run(images)
    signal = values[graph.output].clone()
    if index is not None:
        signal[:, [i for i in range(signal.shape[1]) if i != index]] = 0
    if not isinstance(rule, Redistribution):
        signal = (signal != 0).to(signal.dtype)
    return passed_back(graph, values, signal, rule)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bias", ["ignored", "absorbs"])
def test_one_layer_gives_what_the_formulas_say(name: str, bias: Any) -> None:
    """Samek et al., eqs. 7 and 8, written with the layer's matrix."""
    layer, shape = LAYERS[name]
    at_random(layer)
    torch.manual_seed(1)
    x = torch.randn(2, *shape)
    with torch.no_grad():
        output = layer(x)
    signal = torch.randn_like(output)
    graph = follow(nn.Sequential(layer, nn.Flatten()) if output.ndim > 2 else layer, x[0])
    operation = graph.steps[1].operation
    matrix = matrix_of(layer, x[0])
    constant = (
        layer(torch.zeros_like(x[:1])).detach().flatten() if bias == "absorbs" else 0 * matrix[:, 0]
    )
    for image in range(2):
        z = matrix * x[image].flatten()
        total, r = z.sum(1) + constant, signal[image].flatten()
        epsilon = 0.1
        expected = (
            z / (total + epsilon * torch.where(total < 0, -1, 1))[:, None] * r[:, None]
        ).sum(0)
        found = Epsilon(bias=bias, epsilon=epsilon)(operation, [x], output, signal)[0][image]
        torch.testing.assert_close(found.flatten(), expected, atol=1e-5, rtol=1e-4)
        expected = torch.zeros(x[0].numel())
        for factor, part in ((2.0, z.clamp(min=0)), (-1.0, z.clamp(max=0))):
            rest = constant.clamp(min=0) if factor > 0 else constant.clamp(max=0)
            whole = part.sum(1) + rest
            share = torch.where(whole == 0, 0.0, r / torch.where(whole == 0, 1.0, whole))
            expected += factor * (part * share[:, None]).sum(0)
        found = AlphaBeta(bias=bias)(operation, [x], output, signal)[0][image]
        torch.testing.assert_close(found.flatten(), expected, atol=1e-4, rtol=1e-3)


@settings(max_examples=25)
@given(st.data())
def test_relevance_is_conserved_without_biases(data: st.DataObject) -> None:
    """With biases, neurons that nothing contributes to can have relevance, which then is lost."""
    shape = (2, 9, 8)
    module = data.draw(small_networks(shape)).double()
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if name.endswith(("bias", "running_mean")):
            tensor.data.zero_()
    images = torch.rand(2, *shape, dtype=torch.float64) + 0.1
    # Other functions of single values need not be 0 at 0.
    operations = [step.operation for step in follow(module, images[0]).steps]
    assume(not any(isinstance(operation, Pointwise) for operation in operations))
    # What lies in a rim of other numbers than 0 has no image to go to.
    assume(not any(isinstance(o, Pad) and o.value != 0 for o in operations))
    found = back(module, images, Epsilon(epsilon=1e-12)).flatten(1).sum(1)
    with torch.no_grad():
        expected = module(images).sum(1)
    # Where sums of a layer cancel, parts are many times the whole.
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_positive_contributions_conserve_in_deep_rectified_networks() -> None:
    """z+: every rectified neuron that received relevance has a positive contribution."""
    module = at_random(nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 3, bias=False),
    )).double()  # fmt: skip
    images = torch.rand(4, 3, 12, 12, dtype=torch.float64)
    for max_pool in ("winner", "proportional"):
        rule = AlphaBeta(alpha=1.0, beta=0.0, max_pool=max_pool)
        found = back(module, images, rule, 1)
        with torch.no_grad():
            expected = module(images)[:, 1]
        torch.testing.assert_close(found.flatten(1).sum(1), expected)


@pytest.mark.parametrize(
    "mean", [nn.AvgPool2d(2, ceil_mode=True), nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)]
)
def test_means_share_in_proportion(mean: nn.Module) -> None:
    x = torch.rand(2, 2, 5, 4) + 0.1
    output = mean(x)
    signal = torch.randn_like(output)
    operation = follow(nn.Sequential(mean, nn.Flatten()), x[0]).steps[1].operation
    for image in range(2):
        z = matrix_of(mean, x[0]) * x[image].flatten()
        expected = (z / z.sum(1, keepdim=True) * signal[image].flatten()[:, None]).sum(0)
        for rule in (Epsilon(epsilon=100), AlphaBeta()):
            found = rule(operation, [x], output, signal)[0][image].flatten()
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_alpha_beta_must_sum_to_one() -> None:
    with pytest.raises(DataError, match=r"alpha=2, beta=1: their sum is 3, .* set beta to -1"):
        AlphaBeta(alpha=2.0, beta=1.0)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "googlenet", "resnet18"])
def test_the_gradient_is_that_of_autograd(name: str) -> None:
    module = of_torchvision(name)
    torch.manual_seed(0)
    images = torch.randn(1, 3, 96, 96)
    found = back(module, images, gradient, 7)
    leaf = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad(module(leaf)[0, 7], leaf)
    # A rectifier whose input is nearly 0 may be on in one and off in the other.
    assert (found - expected).norm() < 2e-2 * expected.norm()


def rectified(seed: int = 0) -> nn.Module:
    """A network of which zennit and captum know all modules."""
    return at_random(nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(8 * 9, 10), nn.ReLU(), nn.Linear(10, 4),
    ), seed)  # fmt: skip


IMAGES = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(
    ("rule", "oracle"),
    [
        (deconvolution, captum.attr.Deconvolution),
        (guided_backpropagation, captum.attr.GuidedBackprop),
    ],
)
def test_signals_are_those_of_captum(rule: Rule, oracle: Any) -> None:
    module = rectified()
    found = back(module, IMAGES, rule, 2)
    with pytest.warns(UserWarning, match="hooks|require gradients"):
        expected = oracle(module).attribute(IMAGES.clone(), target=2)
    torch.testing.assert_close(found, expected.detach())


def test_deconvolution_of_functional_rectifiers_is_not_the_gradient() -> None:
    """What hooks on modules miss: torchvision's GoogLeNet rectifies by a function."""
    module = of_torchvision("googlenet")
    torch.manual_seed(0)
    images = torch.randn(1, 3, 96, 96)
    ours, plain = back(module, images, deconvolution, 3), back(module, images, gradient, 3)
    with pytest.warns(UserWarning, match="hooks|require gradients"):
        theirs = captum.attr.Deconvolution(module).attribute(images, target=3)
    assert (theirs - plain).norm() < 2e-2 * plain.norm()
    together = torch.stack([ours.flatten(), plain.flatten()])
    assert float(torch.corrcoef(together)[0, 1].abs()) < 0.9


def of_zennit(module: nn.Module, rule: Any) -> Tensor:
    composite = zennit.composites.LayerMapComposite(
        [(zennit.types.Linear, rule), (zennit.types.AvgPool, zennit.rules.Norm()),
         (zennit.types.Activation, zennit.rules.Pass())]
    )  # fmt: skip
    images = IMAGES.clone().requires_grad_()
    with composite.context(module) as modified:
        scores = modified(images)
        signal = torch.zeros_like(scores)
        signal[:, 1] = scores[:, 1].detach()
        (found,) = torch.autograd.grad(scores, images, signal)
    return found


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Epsilon(epsilon=0.05, bias="absorbs"), zennit.rules.Epsilon(0.05)),
        (Epsilon(epsilon=0.05), zennit.rules.Epsilon(0.05, zero_params="bias")),
        (AlphaBeta(), zennit.rules.AlphaBeta(2, 1, zero_params="bias")),
        (AlphaBeta(bias="absorbs"), zennit.rules.AlphaBeta(2, 1)),
        (AlphaBeta(alpha=1.0, beta=0.0), zennit.rules.AlphaBeta(1, 0, zero_params="bias")),
    ],
)
def test_relevance_is_that_of_zennit(ours: Redistribution, theirs: Any) -> None:
    module = rectified()
    found = back(module, IMAGES, ours, 1)
    expected = of_zennit(module, theirs)
    # Means: zennit's Norm adds a little to every denominator.
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=2e-3)


def test_a_bias_that_absorbs_takes_relevance_away() -> None:
    """As zennit and the notes have it: only without biases is alpha-beta conservative."""
    module = rectified()
    with torch.no_grad():
        score = module(IMAGES)[:, 1]
    kept = back(module, IMAGES, Epsilon(epsilon=1e-9), 1).flatten(1).sum(1)
    lost = back(module, IMAGES, Epsilon(epsilon=1e-9, bias="absorbs"), 1).flatten(1).sum(1)
    torch.testing.assert_close(kept, score, atol=1e-4, rtol=1e-4)
    assert float((lost - score).abs().min()) > 1e-3


def test_pools_share_by_winner_or_in_proportion() -> None:
    pool = MaxPool((2, 2), (2, 2), (0, 0), (1, 1), False)
    x = torch.tensor([[[[1.0, 3.0], [0.0, -4.0]]]])
    signal = torch.full((1, 1, 1, 1), 8.0)
    for policy, expected in (("winner", [0, 8, 0, 0]), ("proportional", [2, 6, 0, 0])):
        rule = Epsilon(max_pool=policy)
        (found,) = rule(pool, [x], pool.run([x]), signal)
        assert found.flatten().tolist() == expected


def test_relative_epsilon_does_not_depend_on_the_scale_of_images() -> None:
    layer = at_random(nn.Sequential(nn.Flatten(), nn.Linear(12, 4, bias=False)))
    images = torch.randn(2, 3, 2, 2)
    small = back(layer, images, Epsilon(epsilon=0.5, relative=True), 0)
    large = back(layer, 255 * images, Epsilon(epsilon=0.5, relative=True), 0)
    torch.testing.assert_close(large, 255 * small, rtol=1e-4, atol=1e-4)
    absolute = back(layer, 255 * images, Epsilon(epsilon=0.5), 0)
    assert not torch.allclose(
        absolute, 255 * back(layer, images, Epsilon(epsilon=0.5), 0), rtol=0.05
    )


def test_the_first_layer_takes_the_normalised_image() -> None:
    module = of_torchvision("alexnet", is_normalised=True)
    graph = follow(module, torch.rand(3, 96, 96))
    number = first_layer(graph)
    (user,) = [step for step in graph.steps if number in step.inputs]
    assert isinstance(user.operation, Convolution | Linear)
    assert number > 0


def test_images_do_not_see_each_other() -> None:
    module = rectified()
    for rule in (Epsilon(), AlphaBeta(), deconvolution, gradient):
        together = back(module, IMAGES, rule, 0)
        alone = torch.cat([back(module, IMAGES[i : i + 1], rule, 0) for i in range(len(IMAGES))])
        torch.testing.assert_close(together, alone)
