"""Rules that redistribute relevance: every operation gives to its inputs what it received.

Weighted sums do it in proportion to what each input contributed (`Epsilon`, `AlphaBeta`). What is
no weighted sum is the same for both: rectifiers and other functions of single values pass relevance
on [samek2017, section II-C]; pools and local response normalisation by the policies below.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from prediction_difference.attribution.relevance.passing import transposed
from prediction_difference.classifiers.operations import (
    AdaptiveAverage,
    Add,
    Affine,
    AveragePool,
    Convolution,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Operation,
    Pointwise,
    Rectifier,
)

WEIGHTED = (Convolution, Linear, AveragePool, AdaptiveAverage, Add)
"""Operations whose outputs are weighted sums of inputs, and maybe a bias."""


@dataclass(frozen=True)
class Redistribution(ABC):
    """What all rules of relevance say alike.

    bias: whether a bias is one of the contributions, whose share is lost (`absorbs`), or is left
    out of the sum, so that relevance is conserved (`ignored`), as in eq. 7 of [samek2017].
    max_pool: all to the largest value (`winner`), or to each in proportion to its activation
    (`proportional`) [montavon2017, section 5.2]. normalisation: local response normalisation
    passes relevance on (`passed`) [montavon2017], or shares it as its first-order expansion
    (`expanded`).
    """

    bias: Literal["ignored", "absorbs"] = "ignored"
    max_pool: Literal["winner", "proportional"] = "winner"
    normalisation: Literal["passed", "expanded"] = "passed"

    def __call__(
        self, operation: Operation, inputs: Sequence[Tensor], output: Tensor, signal: Tensor
    ) -> Sequence[Tensor]:
        """Relevance (N, ...) of the inputs."""
        match operation:
            case Rectifier() | Pointwise() | Affine():
                # Each output has one input, which so receives it all.
                return [signal]
            case MaxPool():
                return [self._through_maxima(operation, inputs[0], signal)]
            case LocalResponseNorm():
                return [self._through_normalisation(operation, inputs[0], output, signal)]
            case _:
                assert isinstance(operation, WEIGHTED)
                return self._through_sums(operation, inputs, signal)

    @abstractmethod
    def _through_sums(
        self, operation: Operation, inputs: Sequence[Tensor], signal: Tensor
    ) -> Sequence[Tensor]:
        """Relevance of the inputs of weighted sums."""

    def _through_maxima(self, pool: MaxPool, x: Tensor, signal: Tensor) -> Tensor:
        if self.max_pool == "winner":
            return transposed(pool, [x], signal)[0]
        if set(pool.dilation) != {1}:
            raise NotImplementedError("proportional max pooling with dilation")
        x = x.relu()
        total = AveragePool(pool.kernel, pool.stride, pool.padding, pool.ceil, True, 1)
        return x * transposed(total, [x], _share(signal, total.run([x])))[0]

    def _through_normalisation(
        self, operation: LocalResponseNorm, x: Tensor, output: Tensor, signal: Tensor
    ) -> Tensor:
        if self.normalisation == "passed":
            return signal
        return x * transposed(operation, [x], _share(signal, output))[0]


@dataclass(frozen=True)
class Epsilon(Redistribution):
    """R_i = sum_j z_ij / (z_j + epsilon sign(z_j)) R_j [samek2017, eq. 7].

    relative: epsilon is a multiple of the root mean square of z_j over the layer, image by image,
    so that it does not depend on the input's scale.
    """

    epsilon: float = 0.01
    relative: bool = False

    def _through_sums(
        self, operation: Operation, inputs: Sequence[Tensor], signal: Tensor
    ) -> Sequence[Tensor]:
        weighted = operation if self.bias == "absorbs" else without_bias(operation)
        z = weighted.run(inputs)
        size = z.flatten(1).square().mean(1).sqrt() if self.relative else z.new_ones(len(z))
        epsilon = self.epsilon * size.view(-1, *(1,) * (z.ndim - 1))
        share = _share(signal, z + epsilon * torch.where(z < 0, -1.0, 1.0))
        return [
            x * part for x, part in zip(inputs, transposed(weighted, inputs, share), strict=True)
        ]


@dataclass(frozen=True)
class AlphaBeta(Redistribution):
    """R_i = sum_j (alpha z_ij+ / sum z+ + beta z_ij- / sum z-) R_j [samek2017, eq. 8].

    alpha + beta = 1; alpha = 1, beta = 0 without a bias is the rule z+ of deep Taylor
    decomposition where activations are not negative. Where no contribution has a sign, the part
    of that sign is lost.
    """

    alpha: float = 2.0
    beta: float = -1.0

    def __post_init__(self) -> None:
        if abs(self.alpha + self.beta - 1) > 1e-6:
            raise ValueError(f"alpha + beta is {self.alpha + self.beta:g}, and must be 1")

    def _through_sums(
        self, operation: Operation, inputs: Sequence[Tensor], signal: Tensor
    ) -> Sequence[Tensor]:
        weighted = operation if self.bias == "absorbs" else without_bias(operation)
        found = [torch.zeros_like(x) for x in inputs]
        for factor, sign in ((self.alpha, 1), (self.beta, -1)):
            if factor:
                received = _of_sign(weighted, inputs, signal, sign)
                found = [t + factor * r for t, r in zip(found, received, strict=True)]
        return found


def _of_sign(
    operation: Operation, inputs: Sequence[Tensor], signal: Tensor, sign: int
) -> list[Tensor]:
    """What contributions of one sign receive: z+ of positive inputs and weights, or of neither."""
    halves = [
        (part(operation, sign), [x.clamp(min=0) for x in inputs]),
        (part(operation, -sign, with_bias=False), [x.clamp(max=0) for x in inputs]),
    ]
    z = sum((half.run(x) for half, x in halves if half is not None), torch.zeros_like(signal))
    share = _share(signal, z)
    found = [torch.zeros_like(x) for x in inputs]
    for half, parts in halves:
        if half is not None:
            for total, x, passed in zip(found, parts, transposed(half, parts, share), strict=True):
                total += x * passed
    return found


def without_bias(operation: Operation) -> Operation:
    """A weighted sum without its bias."""
    if isinstance(operation, Convolution | Linear):
        return replace(operation, bias=None)
    return operation


def part(operation: Operation, sign: int, with_bias: bool = True) -> Operation | None:
    """A weighted sum with its weights of one sign, and the bias of that sign; None if all are 0."""
    match operation:
        case Convolution() | Linear():
            bias = operation.bias if with_bias else None
            return replace(
                operation,
                weight=_half(operation.weight, sign),
                bias=None if bias is None else _half(bias, sign),
            )
        case Add(factors=factors):
            kept = tuple(max(f * sign, 0.0) * sign for f in factors)
            return Add(kept) if any(kept) else None
        case _:
            # Means have positive weights only.
            return operation if sign > 0 else None


def _half(values: Tensor, sign: int) -> Tensor:
    return values.clamp(min=0) if sign > 0 else values.clamp(max=0)


def _share(signal: Tensor, total: Tensor) -> Tensor:
    """Signal / total, and 0 where the total is."""
    return torch.where(total == 0, 0.0, signal / torch.where(total == 0, 1.0, total))
