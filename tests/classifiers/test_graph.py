"""Followed networks give what the module gives: in all, in every layer, and reduced."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from example_networks import TORCHVISION, Branches, Calls, at_random, of_torchvision, small_networks
from prediction_difference.classifiers.graph import NotFollowedError, follow
from prediction_difference.classifiers.operations import (
    AdaptiveAverage,
    Affine,
    AveragePool,
    Channels,
    Convolution,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Pad,
    Pointwise,
    Rectifier,
)


def hooked(module, images):
    """Outputs of the module, and copies of those of all its layers by their names."""
    outputs = {}

    def keep(name):
        def hook(_module, _inputs, output):
            if isinstance(output, torch.Tensor):
                outputs[name] = output.clone()

        return hook

    handles = [m.register_forward_hook(keep(n)) for n, m in module.named_modules()]
    with torch.inference_mode():
        scores = module(images)
    for handle in handles:
        handle.remove()
    return scores, outputs


def assert_close(found, expected):
    assert found.shape == expected.shape
    scale = float(expected.abs().max())
    assert float((found - expected).abs().max()) <= 2e-5 * scale + 1e-7


def assert_followed(module, images, *, layers=True):
    """Scores and layers of the graph and of the reduced graph; returns the graph."""
    scores, outputs = hooked(module, images)
    graph = follow(module, images[0])
    with torch.inference_mode():
        values = graph.run(images)
    assert_close(values[graph.output], scores)
    for step, value in zip(graph.steps, values, strict=True):
        assert tuple(value.shape[1:]) == tuple(step.shape)
    if layers:
        for name in outputs.keys() & graph.layers.keys():
            assert_close(values[graph.layers[name]], outputs[name])
    for wanted in ([graph.output], sorted({graph.output, *list(graph.layers.values())[::3]})):
        reduced, numbers = graph.reduced(wanted)
        assert len(reduced.steps) <= len(graph.steps)
        with torch.inference_mode():
            less = reduced.run(images)
        assert reduced.output == numbers[graph.output]
        for number in wanted:
            assert_close(less[numbers[number]], values[number])
            assert tuple(reduced.steps[numbers[number]].shape) == tuple(values[number].shape[1:])
    return graph


def images_of(*shape, count=3, seed=5):
    return torch.rand((count, *shape), generator=torch.Generator().manual_seed(seed))


def operations(graph):
    return [type(step.operation) for step in graph.steps[1:]]


@pytest.mark.parametrize("is_normalised", [False, True])
@pytest.mark.parametrize("name", [n for n in TORCHVISION if n != "vgg16"])
def test_networks_of_torchvision_are_followed(name, is_normalised):
    if is_normalised and name == "alexnet":
        name = "vgg11"
    side = {"alexnet": 80, "vgg11": 48}.get(name, 64)
    options = {"transform_input": not is_normalised} if name == "googlenet" else {}
    network = of_torchvision(name, is_normalised, **options)
    images = images_of(3, side, side - 1, count=2)
    graph = assert_followed(network, images)
    prefix = "network." if is_normalised else ""
    unfound = [
        n
        for n, part in network.named_modules()
        if n.startswith(prefix) and isinstance(part, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
        if n not in graph.layers
    ]
    assert unfound == []


def test_normalisations_become_part_of_the_convolutions():
    network = of_torchvision("resnet18")
    graph = follow(network, images_of(3, 64, 64)[0])
    reduced, _ = graph.reduced([graph.output])
    assert operations(graph).count(Affine) == 20
    assert operations(reduced).count(Affine) == 0
    assert operations(reduced).count(Convolution) == 20
    assert Flatten not in operations(reduced)
    # A layer that is wanted keeps its own values.
    kept, numbers = graph.reduced([graph.output, graph.layers["layer1.0.conv1"]])
    assert operations(kept).count(Affine) == 1
    assert isinstance(kept.steps[numbers[graph.layers["layer1.0.conv1"]]].operation, Convolution)


def test_the_module_stays_as_it_is():
    network = of_torchvision("squeezenet1_1")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    graph = follow(network, images_of(3, 40, 40)[0])
    graph.reduced([graph.output])
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


class Affines(nn.Module):
    """Constants of all shapes, on either side."""

    def __init__(self):
        super().__init__()
        self.register_buffer("each", torch.tensor([0.5, 2.0, -1.5]))
        self.register_buffer("map", torch.linspace(-1, 1, 30).reshape(5, 6))

    def forward(self, x):
        each = self.each.view(1, -1, 1, 1)
        x = (x - each) / (each * each + 0.1)
        x = 2 * x + 1 - each
        x = torch.sub(x, self.map, alpha=0.3)
        x = 0.7 - x
        return self.each.view(-1, 1, 1) * x / 3 + x.mul(each).add(each, alpha=2)


class UsedAgain(nn.Module):
    """Values that are written into, before and after others use them."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.rectifier = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.convolution(x)
        before = y * 2
        self.rectifier(y)
        z = self.convolution(y)
        z += y
        again = z
        z.mul_(0.5).sub_(y)
        return torch.cat([before, y, again, functional.relu_(z), x], 1)


class Copied(nn.Module):
    """A copy that is written into leaves what it was copied from alone."""

    def forward(self, x):
        x = x - 0.5
        copied = x.clone()
        copied.relu_()
        same = functional.adaptive_avg_pool2d(x, x.shape[2:])
        same.mul_(3)
        return torch.cat([x, copied, same], 1)


class Twice(nn.Module):
    """One module under two names, used three times."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.second = self.first
        self.rectifier = nn.ReLU()

    def forward(self, x):
        x = self.rectifier(self.first(x))
        return self.rectifier(self.second(x)) - self.first(x)


class Several(nn.Module):
    """Channels picked in all ways."""

    def __init__(self):
        super().__init__()
        self.register_buffer("order", torch.tensor([2, 0, 1]))

    def forward(self, x):
        parts = [
            x.flip(1),
            x.flip(-3),
            x[:, [2, 1, 0]],
            x[:, self.order],
            torch.index_select(x, 1, self.order),
            x[:, 1:],
            x[:, ::2],
            x[:, -1:],
            x[:, 1].unsqueeze(1),
            torch.unsqueeze(x[:, -1], 1) * 0.3 + 0.1,
            x[:, :3],
            x[:, :],
        ]
        return torch.cat(parts, 1)


def two(channels=3, outputs=4, kernel=3, **options):
    return nn.Conv2d(channels, outputs, kernel, **options)


# Name: (module that returns maps or vectors, operations among those that it becomes).
RULES = {
    "convolution": (two(), [Convolution]),
    "no bias": (two(bias=False), [Convolution]),
    "same": (two(padding="same", kernel=5, dilation=2), [Convolution]),
    "same, even": (two(padding="same", kernel=(2, 4)), [Convolution]),
    "valid": (two(padding="valid"), [Convolution]),
    "pad": (nn.ZeroPad2d((1, 0, 2, 3)), [Pad]),
    "pad of one axis": (Calls(lambda x: functional.pad(x, (0, 2), value=0.3)), [Pad]),
    "pad of nothing": (nn.ZeroPad2d(0), []),
    "pad, convolution": (nn.Sequential(nn.ZeroPad2d((0, 1, 2, 0)), two(padding=1)), None),
    "pad, pool": (nn.Sequential(nn.ConstantPad2d(1, -9.0), nn.MaxPool2d(3, 2)), [Pad, MaxPool]),
    "relu6": (Calls(functional.relu6), [Rectifier]),
    "hard tangent from 0": (nn.Hardtanh(0.0, 0.3), [Rectifier]),
    "clamp from 0": (Calls(lambda x: x.clamp(0, 0.3)), [Rectifier]),
    "clamp above": (Calls(lambda x: x.clamp(max=0.3)), [Pointwise]),
    "dilation": (two(dilation=(1, 2), stride=(2, 1), padding=(0, 2)), [Convolution]),
    "groups": (two(outputs=6, groups=3), [Convolution]),
    "norm": (nn.BatchNorm2d(3), [Affine]),
    "norm alone": (nn.BatchNorm2d(3, affine=False), [Affine]),
    "max pool": (nn.MaxPool2d(2), [MaxPool]),
    "max pool ceil": (nn.MaxPool2d(2, 3, 1, ceil_mode=True), [MaxPool]),
    "max pool dilated": (nn.MaxPool2d((2, 3), 1, (1, 0), dilation=2), [MaxPool]),
    "average pool": (nn.AvgPool2d(3, 2, 1), [AveragePool]),
    "average pool, inside": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), [AveragePool]),
    "average pool ceil": (nn.AvgPool2d(2, 3, 1, ceil_mode=True), [AveragePool]),
    "average pool divisor": (nn.AvgPool2d(2, divisor_override=3), [AveragePool]),
    "adaptive one": (nn.AdaptiveAvgPool2d(1), [AdaptiveAverage]),
    "adaptive even": (nn.AdaptiveAvgPool2d((3, 4)), [AveragePool]),
    "adaptive uneven": (nn.AdaptiveAvgPool2d((2, 5)), [AdaptiveAverage]),
    "adaptive larger": (nn.AdaptiveAvgPool2d((7, 11)), [AdaptiveAverage]),
    "adaptive identity": (nn.AdaptiveAvgPool2d((6, 8)), []),
    "adaptive half": (nn.AdaptiveAvgPool2d((None, 2)), [AveragePool]),
    "adaptive max": (nn.AdaptiveMaxPool2d((3, 2)), [MaxPool]),
    "response": (nn.LocalResponseNorm(3, 0.4, 0.6, 1.5), [LocalResponseNorm]),
    "response even": (nn.LocalResponseNorm(2, 1.0), [LocalResponseNorm]),
    "mean": (Calls(lambda x: x.mean((2, 3))), [AdaptiveAverage, Flatten]),
    "mean kept": (Calls(lambda x: x.mean((-1, -2), keepdim=True)), [AdaptiveAverage]),
    "flatten": (nn.Flatten(), [Flatten]),
    "view": (Calls(lambda x: x.view(x.size(0), -1)), [Flatten]),
    "reshape": (Calls(lambda x: x.reshape(-1, 144)), [Flatten]),
    "squeeze": (nn.Sequential(nn.AdaptiveAvgPool2d(1), Calls(torch.squeeze)), None),
    "vectors": (
        nn.Sequential(nn.Flatten(), nn.Linear(144, 5), nn.BatchNorm1d(5), nn.ReLU()),
        [Flatten, Linear, Affine, Rectifier],
    ),
    "dropout": (nn.Sequential(nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout()), []),
    "identity": (Calls(lambda x: x.detach().contiguous().clone()), []),
    "prelu": (nn.PReLU(3, 0.2), [Pointwise]),
    "cat": (Branches([nn.ReLU(), two(padding=1)], "cat"), None),
    "add": (Branches([nn.ReLU(), nn.Identity(), nn.Identity()], "add"), None),
    "itself": (Calls(lambda x: torch.add(x, x, alpha=-3)), None),
    "channels": (Several(), None),
    "blue first": (Calls(lambda x: x[:, [2, 1, 0]]), [Channels]),
    "used again": (UsedAgain(), None),
    "twice": (Twice(), None),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", RULES)
def test_rules(name):
    module, expected = RULES[name]
    images = images_of(3, 6, 8) - 0.4
    graph = assert_followed(at_random(module), images)
    if expected is not None:
        assert operations(graph) == expected


def test_constants_of_all_shapes():
    images = images_of(3, 5, 6)
    graph = assert_followed(Affines(), images)
    assert set(operations(graph)) == {Affine, *operations(graph)[-1:]}


def test_copies_are_not_what_they_were_copied_from():
    assert_followed(Copied(), images_of(3, 4, 5))


POINTWISE = [
    *(nn.CELU(0.7), nn.ELU(), nn.GELU(), nn.GELU("tanh"), nn.Hardsigmoid(), nn.Hardswish()),
    *(nn.Hardtanh(-0.2, 0.3), nn.LeakyReLU(0.3), nn.LogSigmoid(), nn.Mish(), nn.ReLU6()),
    *(nn.SELU(), nn.Sigmoid(), nn.SiLU(), nn.Softplus(), nn.Tanh(), nn.SiLU(inplace=True)),
    *map(
        Calls,
        (
            lambda x: x.abs().sqrt(),
            lambda x: x.clamp(-0.1, 0.2),
            lambda x: x.clamp(min=0.1),
            lambda x: x.clamp_max(0.1),
            lambda x: -x.exp(),
            lambda x: x**3 + x.square(),
        ),
    ),
]


@pytest.mark.parametrize("module", POINTWISE, ids=str)
def test_functions_of_single_values(module):
    # In-place functions would write into the images.
    assert_followed(nn.Sequential(nn.BatchNorm2d(3), module).eval(), images_of(3, 4, 5) - 0.5)


def test_volumes():
    network = at_random(
        nn.Sequential(
            nn.Conv3d(1, 4, 3, padding="same"),
            nn.BatchNorm3d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool3d(2, ceil_mode=True),
            nn.LocalResponseNorm(3),
            Branches([nn.Conv3d(4, 2, 1), nn.AvgPool3d(3, 1, 1)], "cat"),
            nn.AdaptiveMaxPool3d((2, 2, 1)),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(6, 2),
        )
    )
    graph = assert_followed(network, images_of(1, 8, 7, 6))
    assert operations(graph).count(LocalResponseNorm) == 1
    assert_followed(Calls(lambda x: x.mean((2, 3, 4))), images_of(2, 3, 4, 5))


@settings(max_examples=15)
@given(data=st.data())
def test_random_networks(data):
    axes = data.draw(st.sampled_from((2, 3)))
    shape = (data.draw(st.integers(1, 3)), *[data.draw(st.integers(4, 9)) for _ in range(axes)])
    assert_followed(data.draw(small_networks(shape)), images_of(*shape))


class Random(nn.Module):
    def forward(self, x):
        return functional.dropout(x, 0.5, training=True)


class Batch(nn.Module):
    def forward(self, x):
        return functional.batch_norm(x, None, None, training=True)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


NOT_FOLLOWED = {
    "channel shuffle": (nn.ChannelShuffle(2), "channel_shuffle"),
    "shuffle by hand": (
        Calls(lambda x: x.view(x.shape[0], 2, 2, 6, 6).transpose(1, 2).reshape(x.shape)),
        "'view' turns an array",
    ),
    "permute": (Calls(lambda x: x.permute(0, 1, 3, 2)), "permute"),
    "product of maps": (Calls(lambda x: x * x.sigmoid()), "'mul' is followed where one factor"),
    "quotient of maps": (Calls(lambda x: x / (1 + x.abs())), "'div' is followed where it divides"),
    "floor": (Calls(lambda x: x.div(2, rounding_mode="floor")), "'div' .* without rounding"),
    "factor that is a map": (Calls(lambda x: x * torch.rand(6, 6)), "the same at all places"),
    "limit that is a map": (Calls(lambda x: torch.clamp(x, min=torch.zeros(6, 6))), "'clamp' is"),
    "control flow": (Branching(), "cannot be traced"),
    "dropout left on": (Random(), "'dropout' is random"),
    "batch statistics": (Batch(), "'batch_norm' normalises by the batch"),
    "instance norm": (nn.InstanceNorm2d(4), "instance_norm"),
    "group norm": (nn.GroupNorm(2, 4), "group_norm"),
    "softmax": (nn.Softmax(1), "softmax"),
    "mean of channels": (Calls(lambda x: x.mean(1, keepdim=True)), "'mean' is followed over all"),
    "mean of all": (Calls(lambda x: x.mean((1, 2, 3))), "'mean' is followed over all"),
    "reflection": (nn.ReflectionPad2d(1), "'pad' is followed for constants and not for reflect"),
    "cropping pad": (nn.ZeroPad2d(-1), "'pad' cuts places off"),
    "pad of channels": (
        Calls(lambda x: functional.pad(x, (0, 0, 0, 0, 1, 1))),
        "'pad' is followed along spatial axes only",
    ),
    "uneven maximum": (nn.AdaptiveMaxPool2d(4), "'adaptive_max_pool2d' divides the map"),
    "flip of places": (Calls(lambda x: x.flip(3)), "'flip' is followed along the channels"),
    "crop": (Calls(lambda x: x[:, :, 1:]), "'slice' is followed along the channels"),
    "batch flip": (Calls(lambda x: x.flip(0)), "'flip' is followed along the channels"),
    "cat of places": (Calls(lambda x: torch.cat([x, x], 3)), "'cat' is followed along"),
    "cat of constants": (Calls(lambda x: torch.cat([x, torch.zeros_like(x)], 1)), "zeros_like"),
    "broadcast sum": (Calls(lambda x: x + x[:, :1]), "'add' is followed for arrays of the same"),
    "channel by itself": (Calls(lambda x: x[:, :3] + x[:, 0].unsqueeze(1)), "'add' is followed"),
    "channel without axis": (Calls(lambda x: x[:, :2] + x[:, 0]), "'add'"),
    "factor without axis": (Calls(lambda x: x[:, :2] * x[:, 0]), "'mul'"),
    "weights from the image": (
        Calls(lambda x: functional.conv2d(x, x[:, :, :3, :3])),
        "'slice' is followed along",
    ),
    "indices": (
        Calls(lambda x: functional.max_pool2d(x, 2, return_indices=True)[1].float()),
        "max_pool2d_with_indices",
    ),
    "a sum of squares over places": (
        Calls(lambda x: x / (functional.avg_pool2d(x * x, 3, 1, 1) * 0.5 + 1).pow(0.7)),
        "'mul' is followed where one factor",
    ),
    "constant": (Calls(lambda x: torch.ones(x.shape[0], 3)), "do not depend on the image|'ones'"),
    "two outputs": (Calls(lambda x: (x, x)), "returns more than one array"),
    "linear on rows": (Calls(lambda x: functional.linear(x, torch.rand(2, 6))), "'linear' is"),
}


@pytest.mark.parametrize("name", NOT_FOLLOWED)
def test_what_cannot_be_followed_is_named(name):
    module, message = NOT_FOLLOWED[name]
    with pytest.raises(NotFollowedError, match=message):
        follow(module.eval(), images_of(4, 6, 6)[0])


class WrittenThroughAView(nn.Module):
    def forward(self, x):
        x = x - 0.5
        x[:, :2].relu_()
        x.flatten(1).mul_(2)
        return x


def test_a_value_that_is_written_through_a_view_is_not_taken_for_the_old_one():
    images = images_of(4, 6, 6)
    try:
        graph = follow(WrittenThroughAView(), images[0])
    except NotFollowedError:
        return
    with torch.inference_mode():
        np.testing.assert_allclose(graph.run(images)[graph.output], WrittenThroughAView()(images))


def test_what_the_scores_do_not_need_may_be_anything():
    class Auxiliary(nn.Module):
        def forward(self, x):
            self.seen = x.sort(1)
            return x.relu().mean((2, 3))

    assert operations(assert_followed(Auxiliary().eval(), images_of(3, 4, 5)))[0] is Rectifier


def test_constants_lie_where_the_image_does():
    """On a device without numbers: arrays of two devices cannot meet there."""
    module = nn.Sequential(
        Calls(lambda x: 2 * (1 - x) / 3),
        nn.Conv2d(3, 4, 3, bias=False),
        Calls(lambda x: x * 0.5 - 1),
        nn.BatchNorm2d(4),
    )
    image = torch.empty(3, 6, 6, device="meta")
    graph = follow(module.eval().to("meta"), image)
    for each in (graph, graph.reduced([graph.output])[0]):
        assert each.run(image[None])[each.output].device.type == "meta"
