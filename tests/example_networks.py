"""Networks that several tests follow: torchvision's with random weights, and random small ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision
from hypothesis import strategies as st
from torch import Tensor, nn

from prediction_difference.classifiers.networks import Normalise, Preprocessed
from prediction_difference.manifest import read_manifest

TORCHVISION = ("alexnet", "googlenet", "resnet18", "squeezenet1_1", "vgg16")
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def of_torchvision(name: str, is_normalised: bool = False, **options: Any) -> nn.Module:
    """A network of torchvision in evaluation mode, its weights and statistics drawn at random."""
    if name == "googlenet":
        options = {"aux_logits": False, "init_weights": False, **options}
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(**options)
    network = at_random(network.to_empty(device="cpu"))
    if is_normalised:
        network = Preprocessed(Normalise(_MEAN, _STD), network)
    return network.eval()


def weights_sum(folder: Path) -> str:
    """Checksum of the weights of a published classifier."""
    return read_manifest(folder / "card.json").sums["weights.safetensors"]


def at_random(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights as of Kaiming He, biases and statistics of batches far from those of no training."""
    torch.manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
            if part.bias is not None:
                nn.init.normal_(part.bias, std=0.1)
        elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            assert part.running_mean is not None
            assert part.running_var is not None
            nn.init.normal_(part.running_mean, std=0.3)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            if part.affine:
                nn.init.normal_(part.weight, mean=0.8, std=0.3)
                nn.init.normal_(part.bias, std=0.2)
    return module.eval()


def matrix_of(layer: nn.Module, x: Tensor) -> Tensor:
    """(outputs, inputs) weights of a layer without its bias, one input after the other."""
    zero = layer(torch.zeros_like(x[None])).flatten()
    columns = [layer(e.view_as(x)[None]).flatten() - zero for e in torch.eye(x.numel())]
    return torch.stack(columns, 1).detach()


LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "convolution": (nn.Conv2d(3, 4, 3, stride=2, padding=1), (3, 6, 5)),
    "grouped": (nn.Conv2d(4, 4, 3, dilation=2, groups=2), (4, 6, 6)),
    "volume": (nn.Conv3d(2, 3, 2), (2, 3, 4, 3)),
    "linear": (nn.Linear(6, 5), (6,)),
}
"""Of each kind one, and the shape of its input."""


class Branches(nn.Module):
    """Several ways from one input, joined: `torch.cat` or the sum."""

    def __init__(self, parts: Sequence[nn.Module], joins: str):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.joins = joins

    def forward(self, x: Tensor) -> Tensor:
        outputs = [part(x) for part in self.parts]
        if self.joins == "cat":
            return torch.cat(outputs, 1)
        total = outputs[0]
        for output in outputs[1:]:
            total = total + output
        return total


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


_POINTWISE = (
    nn.ReLU,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Hardswish,
    nn.ReLU6,
    nn.PReLU,
    lambda: nn.ReLU(inplace=True),
    lambda: nn.Hardtanh(0.0, 0.5),
    lambda: nn.LocalResponseNorm(3, alpha=0.3),
)


def _output(module: nn.Module, shape: Sequence[int]) -> tuple[int, ...] | None:
    """(C, *spatial) of what the module makes of an input of this shape; None: it takes none.

    Of a kernel that lies wholly in the padding, the maximum is none.
    """
    try:
        with torch.inference_mode():
            output = module.eval()(torch.zeros(1, *shape))
    except RuntimeError:
        return None
    return tuple(output.shape[1:]) if bool(output.isfinite().all()) else None


@st.composite
def small_networks(
    draw: st.DrawFn, shape: tuple[int, ...], classes: int = 3, most: int = 5
) -> nn.Module:
    """A random network for images (C, *spatial), with random weights, that returns scores."""
    body: list[nn.Module] = []
    for _ in range(draw(st.integers(1, most))):
        part = draw(_parts(shape, allows_branches=True))
        found = _output(part, shape)
        if found is not None and 0 not in found:
            body.append(part)
            shape = found
    head = draw(st.sampled_from(("flatten", "mean", "parts", "hidden")))
    body += _head(head, shape, classes)
    return at_random(nn.Sequential(*body), draw(st.integers(0, 2**16)))


def _head(kind: str, shape: tuple[int, ...], classes: int) -> list[nn.Module]:
    axes = len(shape) - 1
    if kind in ("mean", "parts"):
        average = (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[axes - 2]
        side = 1 if kind == "mean" else 2
        units = shape[0] * side**axes
        return [average(side), nn.Flatten(), nn.Linear(units, classes)]
    units = torch.Size(shape).numel()
    if kind == "flatten":
        return [nn.Flatten(), nn.Linear(units, classes)]
    first, last = nn.Linear(units, 4, bias=False), nn.Linear(4, classes)
    return [nn.Flatten(), first, nn.BatchNorm1d(4), nn.ReLU(), last]


@st.composite
def _parts(draw: st.DrawFn, shape: tuple[int, ...], allows_branches: bool) -> nn.Module:
    axes = len(shape) - 1
    kinds = ["convolution", "convolution", "norm", "max", "average", "pointwise", "pointwise"]
    kinds += ["branches", "branches", "adaptive", "pad"] if allows_branches else []
    kind = draw(st.sampled_from(kinds))
    if kind == "norm":
        return (nn.BatchNorm2d, nn.BatchNorm3d)[axes - 2](shape[0])
    if kind == "pointwise":
        return draw(st.sampled_from(_POINTWISE))()
    if kind == "adaptive":
        size = draw(st.tuples(*[st.integers(1, side + 1) for side in shape[1:]]))
        return (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[axes - 2](size)
    if kind == "branches":
        return draw(_branches(shape))
    if kind == "pad":
        sides = draw(_of_axes(2 * axes, 0, 2))
        value = draw(st.sampled_from((0.0, 0.7)))
        return (nn.ConstantPad2d, nn.ConstantPad3d)[axes - 2](sides, value)
    if kind == "convolution":
        return draw(_convolutions(shape))
    return draw(_pools(axes, kind))


def _of_axes(axes: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * axes)


@st.composite
def _convolutions(draw: st.DrawFn, shape: tuple[int, ...]) -> nn.Module:
    axes = len(shape) - 1
    groups = draw(st.sampled_from([g for g in (1, 2, shape[0]) if shape[0] % g == 0]))
    return (nn.Conv2d, nn.Conv3d)[axes - 2](
        shape[0],
        groups * draw(st.integers(1, 3)) if groups < 3 else groups,
        draw(_of_axes(axes, 1, 3)),
        stride=draw(_of_axes(axes, 1, 4)),
        padding=draw(_of_axes(axes, 0, 3)),
        dilation=draw(_of_axes(axes, 1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
    )


@st.composite
def _pools(draw: st.DrawFn, axes: int, kind: str) -> nn.Module:
    kernel = draw(_of_axes(axes, 1, 3))
    stride = draw(_of_axes(axes, 1, 4))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    ceil = draw(st.booleans())
    if kind == "max":
        dilation = draw(_of_axes(axes, 1, 2))
        return (nn.MaxPool2d, nn.MaxPool3d)[axes - 2](
            kernel, stride, padding, dilation, ceil_mode=ceil
        )
    return (nn.AvgPool2d, nn.AvgPool3d)[axes - 2](
        kernel,
        stride,
        padding,
        ceil_mode=ceil,
        count_include_pad=draw(st.booleans()),
        divisor_override=draw(st.sampled_from((None, None, 3))),
    )


@st.composite
def _branches(draw: st.DrawFn, shape: tuple[int, ...]) -> nn.Module:
    """Ways that keep the sides, so that they can be joined."""
    axes = len(shape) - 1
    joins = draw(st.sampled_from(("cat", "add")))
    convolve, pool = ((nn.Conv2d, nn.MaxPool2d), (nn.Conv3d, nn.MaxPool3d))[axes - 2]
    ways: list[nn.Module] = []
    for _ in range(draw(st.integers(2, 3))):
        kernel = draw(st.sampled_from((1, 3, 5)))
        outputs = shape[0] if joins == "add" else draw(st.integers(1, 3))
        ways.append(
            draw(
                st.sampled_from(
                    (
                        nn.Identity(),
                        pool(3, 1, 1),
                        convolve(shape[0], outputs, kernel, padding=kernel // 2),
                        nn.Sequential(
                            convolve(shape[0], outputs, 3, padding=1), nn.ReLU(inplace=True)
                        ),
                        draw(st.sampled_from(_POINTWISE[:10]))(),
                    )
                )
            )
        )
    return Branches(ways, joins)
