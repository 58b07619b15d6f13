"""The operations that a followed network is made of, as data.

Each one says how it runs on whole arrays (N, C, *spatial), or (N, F) where no places are left.
Tuples such as stride and padding have one number for every spatial axis, of two or three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Places = tuple[int, ...]

CONVOLUTIONS = {2: functional.conv2d, 3: functional.conv3d}
"""By the number of spatial axes."""
_MAX_POOLS = {2: functional.max_pool2d, 3: functional.max_pool3d}
_AVERAGE_POOLS = {2: functional.avg_pool2d, 3: functional.avg_pool3d}
_ADAPTIVE_AVERAGES = {2: functional.adaptive_avg_pool2d, 3: functional.adaptive_avg_pool3d}


def both_ends(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """What is added to each axis, as torch's `pad` has it: from the last axis to the first."""
    ends = zip(reversed(before), reversed(after), strict=True)
    return [places for pair in ends for places in pair]


@dataclass(frozen=True)
class Input:
    """The image."""

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Affine:
    """x * scale + shift, both (C, 1, ..) or (C, *spatial); normalisation of batches among them.

    The scale is the same at all places.
    """

    scale: Tensor
    shift: Tensor

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return inputs[0] * self.scale + self.shift


@dataclass(frozen=True, eq=False)
class Convolution:
    """weight (outputs, C / groups, *kernel), bias (outputs,) or None.

    padding: zeros before the first place of each axis. padding_after: zeros after the last one, as
    TensorFlow's padding has more of them; None: as many as before.
    """

    weight: Tensor
    bias: Tensor | None
    stride: Places
    padding: Places
    dilation: Places
    groups: int
    padding_after: Places | None = None

    @property
    def kernel(self) -> Places:
        return tuple(self.weight.shape[2:])

    def padded(self, images: Tensor) -> tuple[Tensor, Places]:
        """Images with uneven zeros written around them, and the zeros that are left to torch."""
        if self.padding_after in (None, self.padding):
            return images, self.padding
        rims = both_ends(self.padding, self.padding_after or self.padding)
        return functional.pad(images, rims), (0,) * len(self.padding)

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        convolve = CONVOLUTIONS[len(self.stride)]
        images, padding = self.padded(inputs[0])
        found: Tensor = convolve(
            images, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )
        return found


@dataclass(frozen=True)
class MaxPool:
    """The largest value under a kernel; the number of outputs follows from ceil."""

    kernel: Places
    stride: Places
    padding: Places
    dilation: Places
    ceil: bool

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        pool = _MAX_POOLS[len(self.kernel)]
        found: Tensor = pool(
            inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.ceil
        )
        return found


@dataclass(frozen=True)
class AveragePool:
    """The mean under a kernel, with torch's rules of what the sum is divided by."""

    kernel: Places
    stride: Places
    padding: Places
    ceil: bool
    counts_padding: bool
    divisor: int | None

    @property
    def dilation(self) -> Places:
        return (1,) * len(self.kernel)

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return self._pool(inputs[0], self.counts_padding, self.divisor)

    def shares(self, shape: Places) -> Tensor:
        """(*outputs) what a place counts in each mean, of inputs (*spatial) of this shape."""
        ones = torch.ones((1, 1, *shape), dtype=torch.float64)
        mean = self._pool(ones, self.counts_padding, self.divisor)
        return (mean / self._pool(ones, True, 1))[0, 0]

    def _pool(self, x: Tensor, counts_padding: bool, divisor: int | None) -> Tensor:
        pool = _AVERAGE_POOLS[len(self.kernel)]
        found: Tensor = pool(
            x, self.kernel, self.stride, self.padding, self.ceil, counts_padding, divisor
        )
        return found


@dataclass(frozen=True)
class AdaptiveAverage:
    """Means over as many parts of the map as `size` says."""

    size: Places

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        average: Any = _ADAPTIVE_AVERAGES[len(self.size)]
        found: Tensor = average(inputs[0], self.size)
        return found


@dataclass(frozen=True, eq=False)
class Linear:
    """weight (outputs, *inputs), bias (outputs,) or None, on vectors or whole maps (N, *inputs)."""

    weight: Tensor
    bias: Tensor | None

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return functional.linear(inputs[0].flatten(1), self.weight.flatten(1), self.bias)


@dataclass(frozen=True)
class Rectifier:
    """max(x, 0), and where there is a ceiling, as in ReLU6, at most that."""

    ceiling: float | None = None

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        if self.ceiling is None:
            return inputs[0].relu()
        return functional.hardtanh(inputs[0], 0.0, self.ceiling)


@dataclass(frozen=True, eq=False)
class Pointwise:
    """Another function of every value by itself."""

    name: str
    function: Callable[[Tensor], Tensor]

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.function(inputs[0])


@dataclass(frozen=True)
class LocalResponseNorm:
    """x / (k + alpha / size * sum of x^2 over `size` neighbouring channels)^beta."""

    size: int
    alpha: float
    beta: float
    k: float

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return functional.local_response_norm(inputs[0], self.size, self.alpha, self.beta, self.k)


@dataclass(frozen=True)
class Concatenate:
    """Channels of the inputs one after another."""

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(inputs), 1)


@dataclass(frozen=True)
class Add:
    """Sum of the inputs, each times its factor."""

    factors: tuple[float, ...]

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        total = inputs[0] * self.factors[0]
        for factor, value in zip(self.factors[1:], inputs[1:], strict=True):
            total = total + value * factor
        return total


@dataclass(frozen=True)
class Channels:
    """Some channels of the input, in this order."""

    indices: tuple[int, ...]

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return inputs[0][:, list(self.indices)]


@dataclass(frozen=True)
class Pad:
    """The same value before the first place of each axis and after the last one.

    Zeros before a convolution are part of that; see `Convolution`.
    """

    before: Places
    after: Places
    value: float

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return functional.pad(inputs[0], both_ends(self.before, self.after), value=self.value)


@dataclass(frozen=True)
class Flatten:
    """(N, C, *spatial) -> (N, C * places)."""

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        return inputs[0].flatten(1)


Operation = (
    Input
    | Affine
    | Convolution
    | MaxPool
    | AveragePool
    | AdaptiveAverage
    | Linear
    | Rectifier
    | Pointwise
    | LocalResponseNorm
    | Concatenate
    | Add
    | Channels
    | Pad
    | Flatten
)
