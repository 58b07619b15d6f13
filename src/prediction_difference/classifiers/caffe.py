"""The networks of Caffe's model zoo that the papers explain, with Caffe's names of layers.

BVLC GoogLeNet [szegedy2015], CaffeNet and AlexNet [krizhevsky2012] take BGR images from 0 to 255
less the means 104, 117, 123 (`normalisation: caffe`) and return class scores. Caffe's rectifiers
write over what they read, so that its blob `conv1/7x7_s2` holds what the layer `conv1/relu_7x7`
returns here; the layer `conv1/7x7_s2` returns what it has itself.
"""

from collections.abc import Sequence

from torch import Tensor, cat, nn

INPUT = "data"
_CLASSES = 1000
_INCEPTIONS: dict[str, tuple[int, ...]] = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}
"""Channels of the input, 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj."""


class Concatenate(nn.Module):
    """(N, C_i, H, W) of several layers -> (N, sum of C_i, H, W)."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return cat(inputs, 1)


class LayeredNetwork(nn.Module):
    """Layers by name, each run on the results of those that it names; the last one's is returned.

    Notes: layers are submodules of their names, so that tensors are called `<layer>.weight`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._inputs: dict[str, tuple[str, ...]] = {}

    def add(self, name: str, layer: nn.Module, inputs: Sequence[str] = ()) -> str:
        """Append a layer; without inputs, behind the one before. Returns its name."""
        before = next(reversed(self._inputs), INPUT)
        self.add_module(name, layer)
        self._inputs[name] = tuple(inputs) or (before,)
        return name

    def convolve(
        self,
        name: str,
        rectifier: str,
        channels: tuple[int, int],
        side: int,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        inputs: Sequence[str] = (),
    ) -> str:
        """Append a convolution and its rectifier; returns the latter's name.

        channels: of the input, of the output. padding: None: half the side.
        """
        pad = side // 2 if padding is None else padding
        convolution = nn.Conv2d(*channels, side, stride, pad, groups=groups)
        self.add(name, convolution, inputs)
        return self.add(rectifier, nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        results = {INPUT: images}
        for name, inputs in self._inputs.items():
            results[name] = getattr(self, name)(*(results[one] for one in inputs))
        return results[name]


def googlenet() -> nn.Module:
    """BVLC GoogLeNet for (N, 3, 224, 224), without the auxiliary classifiers of its training."""
    network = LayeredNetwork()
    network.convolve("conv1/7x7_s2", "conv1/relu_7x7", (3, 64), 7, stride=2)
    network.add("pool1/3x3_s2", _pool())
    network.add("pool1/norm1", _norm())
    network.convolve("conv2/3x3_reduce", "conv2/relu_3x3_reduce", (64, 64), 1)
    network.convolve("conv2/3x3", "conv2/relu_3x3", (64, 192), 3)
    network.add("conv2/norm2", _norm())
    below = network.add("pool2/3x3_s2", _pool())
    for name, channels in _INCEPTIONS.items():
        below = _add_inception(network, f"inception_{name}", channels, below)
        if name in ("3b", "4e"):
            below = network.add(f"pool{name[0]}/3x3_s2", _pool())
    network.add("pool5/7x7_s1", nn.AvgPool2d(7, 1))
    network.add("pool5/drop_7x7_s1", nn.Dropout(0.4))
    network.add("loss3/flatten", nn.Flatten())
    network.add("loss3/classifier", nn.Linear(1024, _CLASSES))
    return network


def caffenet() -> nn.Module:
    """BVLC Reference CaffeNet for (N, 3, 227, 227): AlexNet that pools before it normalises."""
    return _alexnet(("pool", "norm"))


def places205() -> nn.Module:
    """CaffeNet for (N, 3, 227, 227) and the 205 classes of MIT Places [zhou2014]."""
    return _alexnet(("pool", "norm"), classes=205)


def alexnet() -> nn.Module:
    """BVLC AlexNet for (N, 3, 227, 227)."""
    return _alexnet(("norm", "pool"))


def _norm() -> nn.Module:
    return nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=1.0)


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _add_inception(
    network: LayeredNetwork, name: str, channels: tuple[int, ...], below: str
) -> str:
    source, one, reduced3, three, reduced5, five, projected = channels

    def convolve(kind: str, ends: tuple[int, int], side: int, inputs: Sequence[str]) -> str:
        return network.convolve(f"{name}/{kind}", f"{name}/relu_{kind}", ends, side, inputs=inputs)

    by_one = convolve("1x1", (source, one), 1, [below])
    by_three = convolve("3x3_reduce", (source, reduced3), 1, [below])
    by_three = convolve("3x3", (reduced3, three), 3, [by_three])
    by_five = convolve("5x5_reduce", (source, reduced5), 1, [below])
    by_five = convolve("5x5", (reduced5, five), 5, [by_five])
    pooled = network.add(f"{name}/pool", nn.MaxPool2d(3, 1, 1, ceil_mode=True), [below])
    pooled = convolve("pool_proj", (source, projected), 1, [pooled])
    return network.add(f"{name}/output", Concatenate(), [by_one, by_three, by_five, pooled])


def _alexnet(order: tuple[str, str], classes: int = _CLASSES) -> nn.Module:
    makers = {"pool": _pool, "norm": _norm}
    network = LayeredNetwork()
    network.convolve("conv1", "relu1", (3, 96), 11, stride=4, padding=0)
    for kind in order:
        network.add(f"{kind}1", makers[kind]())
    network.convolve("conv2", "relu2", (96, 256), 5, groups=2)
    for kind in order:
        network.add(f"{kind}2", makers[kind]())
    network.convolve("conv3", "relu3", (256, 384), 3)
    network.convolve("conv4", "relu4", (384, 384), 3, groups=2)
    network.convolve("conv5", "relu5", (384, 256), 3, groups=2)
    network.add("pool5", _pool())
    network.add("flatten5", nn.Flatten())
    for number, inputs in (("6", 256 * 6 * 6), ("7", 4096)):
        network.add(f"fc{number}", nn.Linear(inputs, 4096))
        network.add(f"relu{number}", nn.ReLU())
        network.add(f"drop{number}", nn.Dropout(0.5))
    network.add("fc8", nn.Linear(4096, classes))
    return network
