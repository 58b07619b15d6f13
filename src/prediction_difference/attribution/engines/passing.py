"""How a change passes each operation: exactly, from the changes of the operation's inputs.

Linear operations need nothing but the change: what lies around it is zero. For the others the
activations of the image as it is are at hand. So written, numbers stay small, and what low
precision costs is a share of the change and not of the activations.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from prediction_difference.attribution.engines.changes import (
    Change,
    add_into,
    even_rim,
    like_images,
    moved,
    region,
)
from prediction_difference.attribution.engines.kernels import Kernel
from prediction_difference.attribution.engines.rectangles import Rectangles
from prediction_difference.classifiers.graph import Step
from prediction_difference.classifiers.operations import (
    AdaptiveAverage,
    Add,
    Affine,
    AveragePool,
    Channels,
    Concatenate,
    Convolution,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Pad,
    Places,
    Pointwise,
    Rectifier,
)

_CACHED = 2**20
"""Bytes that stay near a core of a CPU while several operations pass over them."""


class Passing(Protocol):
    """Passes changes on through one step, for one image."""

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        """Changes of the step's inputs -> (windows, samples, *sides, C) in the rectangles `at`.

        may_overwrite: nobody else needs the inputs.
        """


def passing(
    step: Step, bases: Sequence[Tensor], dtype: torch.dtype, weights: Kernel | Tensor | None
) -> Passing:
    """The way through a step.

    bases: (*spatial, C) outputs of its inputs for the image. dtype: of the changes. weights: those
    of a convolution or, (*spatial, C, outputs), of a linear map; see `prepared_weights`.
    """
    operation = step.operation
    match operation:
        case Convolution():
            assert isinstance(weights, Kernel)
            return _Convolved(operation, weights)
        case Affine():
            return _Scaled(operation.scale.flatten())
        case Rectifier():
            base = bases[0].to(dtype)
            return _Rectified(-base, base - operation.run([base]), operation.ceiling)
        case Pointwise() | LocalResponseNorm():
            return _Applied(operation.run, bases[0])
        case MaxPool():
            return _MaxPooled.of(operation, bases[0], step.shape[1:])
        case AveragePool():
            return _AveragePooled.of(operation, bases[0])
        case AdaptiveAverage():
            return _Averaged(operation, tuple(bases[0].shape[:-1]))
        case Concatenate():
            return _Concatenated(step.shape[0])
        case Add():
            return _Added(operation.factors)
        case Channels():
            return _Chosen(torch.tensor(operation.indices))
        case Pad():
            return _Padded(operation.before)
        case Flatten():
            return _Flattened(tuple(bases[0].shape[:-1]))
        case Linear():
            assert isinstance(weights, Tensor)
            return _Weighted(weights)
    raise TypeError(f"nothing passes {operation}")


@dataclass(frozen=True, eq=False)
class _Convolved:
    operation: Convolution
    kernel: Kernel

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        around = read(at, self.operation)
        rim = even_rim(change.at, around) if self.kernel.pads else None
        if rim is None:
            rim = (0,) * len(around.sides)
            change = Change(moved(change, around), around)
        return like_images(self.kernel(change.images, rim), change)


@dataclass(frozen=True, eq=False)
class _Scaled:
    """scale: (..., C)."""

    scale: Tensor

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        return inputs[0].values * self.scale


@dataclass(frozen=True, eq=False)
class _Rectified:
    """relu(b + d) - relu(b) = max(d, -b) + b - relu(b), exactly where nothing is rounded.

    With a ceiling c, it is the smaller of max(d, -b) and c - b to which b - relu(b) is added.
    negative: -b. rest: b - relu(b), both (*spatial, C) of the image.
    """

    negative: Tensor
    rest: Tensor
    ceiling: float | None

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        values = inputs[0].values
        negative = region(self.negative.to(values.dtype), at)
        out = values if may_overwrite else torch.empty_like(values)
        torch.maximum(values, negative, out=out)
        if self.ceiling is not None:
            torch.minimum(out, negative + self.ceiling, out=out)
        return out.add_(region(self.rest, at))


@dataclass(frozen=True, eq=False)
class _Applied:
    """f(b + d) - f(b), in float32; f keeps places. base: b, (*spatial, C) of the image."""

    function: Callable[[Sequence[Tensor]], Tensor]
    base: Tensor

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        before = Change(region(self.base, at), at)
        after = Change(change.values + before.values, at)
        found = [like_images(self.function([c.images]), c) for c in (after, before)]
        return (found[0] - found[1]).to(change.values.dtype)


@dataclass(frozen=True, eq=False)
class _MaxPooled:
    """base: (*spatial, C) of the image with a rim of -inf; pooled: (*outputs, C)."""

    operation: MaxPool
    base: Tensor
    pooled: Tensor

    @classmethod
    def of(cls, operation: MaxPool, base: Tensor, outputs: Places) -> "_MaxPooled":
        every = read(Rectangles(((0,) * len(outputs),), outputs), operation)
        rims: list[int] = []
        for size, pad, side in zip(base.shape, operation.padding, every.sides, strict=False):
            rims = [pad, max(0, side - pad - size), *rims]
        padded = functional.pad(base, [0, 0, *rims], value=-torch.inf)
        whole = under_kernel(padded[None], operation, outputs, torch.maximum)[0]
        return cls(operation, padded, whole)

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        windows, samples, *_, channels = change.values.shape
        around = read(at, self.operation)
        out = change.values.new_empty((windows, samples, *at.sides, channels))
        each = samples * channels * math.prod(around.sides) * 4
        step = max(1, _CACHED // each) if out.device.type == "cpu" else windows
        for start in range(0, windows, step):
            some = slice(start, start + step)
            part = Change(change.values[some], change.at.of(some))
            out[some] = self._pooled(part, around.of(some), at.of(some))
        return out

    def _pooled(self, change: Change, around: Rectangles, at: Rectangles) -> Tensor:
        """In float32: what low precision leaves of an activation is no basis for a difference."""
        rims = self.operation.padding
        in_rim = tuple(
            tuple(s + rim for s, rim in zip(start, rims, strict=True)) for start in around.starts
        )
        base = region(self.base, Rectangles(in_rim, around.sides))
        values = base.expand(*change.values.shape[:2], *base.shape[2:]).clone()
        add_into(values, around, change)
        pooled = under_kernel(values.flatten(0, 1), self.operation, at.sides, torch.maximum)
        return pooled.unflatten(0, change.values.shape[:2]).sub_(region(self.pooled, at))


@dataclass(frozen=True, eq=False)
class _AveragePooled:
    """shares: (*outputs, 1) what a place counts in the mean."""

    operation: AveragePool
    shares: Tensor

    @classmethod
    def of(cls, operation: AveragePool, base: Tensor) -> "_AveragePooled":
        shares = operation.shares(tuple(base.shape[:-1])).to(base.device, base.dtype)
        return cls(operation, shares[..., None])

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        values = moved(change, read(at, self.operation)).float()
        sums = under_kernel(values.flatten(0, 1), self.operation, at.sides, torch.add)
        means = sums.unflatten(0, change.values.shape[:2]) * region(self.shares, at)
        return means.to(change.values.dtype)


@dataclass(frozen=True)
class _Averaged:
    """sides: of the whole map."""

    operation: AdaptiveAverage
    sides: Places

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        if math.prod(self.operation.size) == 1:
            axes = tuple(range(2, 2 + len(self.sides)))
            total = change.values.sum(axes, keepdim=True, dtype=torch.float32)
            return (total / math.prod(self.sides)).to(change.values.dtype)
        whole = _whole(change, self.sides)
        return like_images(self.operation.run([whole.images]), change)


def _whole(change: Change, sides: Places) -> Change:
    """The change in rectangles as large as the map."""
    at = Rectangles(((0,) * len(sides),) * len(change.at.starts), sides)
    return Change(moved(change, at), at)


@dataclass(frozen=True)
class _Concatenated:
    channels: int

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        if all(change.at == at for change in inputs):
            return torch.cat([change.values for change in inputs], -1)
        values = inputs[0].values
        total = values.new_zeros((*values.shape[:2], *at.sides, self.channels))
        start = 0
        for change in inputs:
            end = start + change.values.shape[-1]
            moved(change, at, out=total[..., start:end])
            start = end
        return total


@dataclass(frozen=True)
class _Added:
    factors: tuple[float, ...]

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        first, *others = zip(inputs, self.factors, strict=True)
        total = moved(first[0], at)
        if total is first[0].values and not may_overwrite:
            total = total.clone()
        if first[1] != 1:
            total.mul_(first[1])
        for change, factor in others:
            add_into(total, at, change, factor)
        return total


@dataclass(frozen=True, eq=False)
class _Chosen:
    channels: Tensor

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        values = inputs[0].values
        return values.index_select(-1, self.channels.to(values.device))


@dataclass(frozen=True)
class _Padded:
    """before: places in front of each axis, which no window changes."""

    before: Places

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        starts = tuple(
            tuple(s + pad for s, pad in zip(start, self.before, strict=True))
            for start in change.at.starts
        )
        found = moved(Change(change.values, Rectangles(starts, change.at.sides)), at)
        # What others need must not be written over where nothing had to be moved.
        return found if may_overwrite or found is not change.values else found.clone()


@dataclass(frozen=True)
class _Flattened:
    """sides: of the whole map."""

    sides: Places

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        values = _whole(inputs[0], self.sides).values.movedim(-1, 2).flatten(2)
        # What others need must not be written over where nothing had to be moved.
        return values if may_overwrite else values.clone()


@dataclass(frozen=True, eq=False)
class _Weighted:
    """weight: (*spatial, C, outputs); the rectangles of all windows are the same."""

    weight: Tensor

    def __call__(self, inputs: Sequence[Change], at: Rectangles, may_overwrite: bool) -> Tensor:
        (change,) = inputs
        weight = region(self.weight.flatten(-2), change.at)[0, 0]
        rows = change.values.flatten(2).flatten(0, 1).to(weight.dtype)
        found = rows @ weight.reshape(rows.shape[1], -1)
        return found.unflatten(0, change.values.shape[:2])


def read(at: Rectangles, operation: Convolution | MaxPool | AveragePool) -> Rectangles:
    """What outputs in these rectangles are made from, places beyond the map among them."""
    terms = list(zip(operation.stride, operation.padding, strict=True))
    starts = tuple(
        tuple(place * s - p for place, (s, p) in zip(start, terms, strict=True))
        for start in at.starts
    )
    kernels = zip(operation.stride, operation.kernel, operation.dilation, strict=True)
    sides = tuple(
        (side - 1) * s + d * (k - 1) + 1 for side, (s, k, d) in zip(at.sides, kernels, strict=True)
    )
    return Rectangles(starts, sides)


def under_kernel(
    values: Tensor,
    operation: MaxPool | AveragePool,
    outputs: Places,
    combine: Callable[..., Tensor],
) -> Tensor:
    """(N, *sides, C) -> (N, *outputs, C): all values under the kernel combined, axis by axis."""
    for axis, count in enumerate(outputs):
        stride, dilation = operation.stride[axis], operation.dilation[axis]
        span = (count - 1) * stride + 1
        every = (slice(None),) * (axis + 1)
        parts = [
            values[(*every, slice(place * dilation, place * dilation + span, stride))]
            for place in range(operation.kernel[axis])
        ]
        values = parts[0].clone() if len(parts) == 1 else combine(parts[0], parts[1])
        for part in parts[2:]:
            combine(values, part, out=values)
    return values
