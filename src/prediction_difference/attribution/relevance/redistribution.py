"""Rules that redistribute relevance: every operation gives to its inputs what it received.

Convolutions and linear maps do it by what each input contributed (`Epsilon`, `AlphaBeta`,
`Positive`, `Box`), or by their weights (`SquaredWeights`). All else is the same for all: means and
sums share in proportion, rectifiers and other functions of single values pass relevance on
[samek2017, section II-C], and maxima and local response normalisation go by the policies below.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from prediction_difference.attribution.relevance.passing import transposed
from prediction_difference.choices import Bias, MaxPooling, Normalising
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
from prediction_difference.errors import DataError

_SMALL = 1e-6
"""Of a layer's root mean square, where nothing else keeps a denominator from vanishing."""


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

    bias: Bias = "ignored"
    max_pool: MaxPooling = "winner"
    normalisation: Normalising = "passed"

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
            case Convolution() | Linear():
                return [self._through_weights(operation, inputs[0], signal)]
            case _:
                assert isinstance(operation, AveragePool | AdaptiveAverage | Add)
                return self._through_sum(operation, inputs, signal)

    @abstractmethod
    def _through_weights(
        self, operation: Convolution | Linear, x: Tensor, signal: Tensor
    ) -> Tensor:
        """Relevance of the inputs of what was learned."""

    def _through_sum(
        self,
        operation: AveragePool | AdaptiveAverage | Add,
        inputs: Sequence[Tensor],
        signal: Tensor,
    ) -> list[Tensor]:
        return in_proportion(operation, inputs, signal, _SMALL, True)

    def _through_maxima(self, pool: MaxPool, x: Tensor, signal: Tensor) -> Tensor:
        if self.max_pool == "winner":
            return transposed(pool, [x], signal)[0]
        if set(pool.dilation) != {1}:
            remedy = "set max_pool to winner"
            raise DataError("max pooling with dilation", "is not shared in proportion", remedy)
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

    def _through_weights(
        self, operation: Convolution | Linear, x: Tensor, signal: Tensor
    ) -> Tensor:
        weighted = _weighted(operation, self.bias)
        return in_proportion(weighted, [x], signal, self.epsilon, self.relative)[0]


@dataclass(frozen=True)
class AlphaBeta(Redistribution):
    """R_i = sum_j (alpha z_ij+ / sum z+ + beta z_ij- / sum z-) R_j [samek2017, eq. 8].

    alpha + beta = 1. Where no contribution has a sign, the part of that sign is lost.
    """

    alpha: float = 2.0
    beta: float = -1.0

    def __post_init__(self) -> None:
        if abs(self.alpha + self.beta - 1) > 1e-6:
            raise DataError(
                f"alpha={self.alpha:g}, beta={self.beta:g}",
                f"their sum is {self.alpha + self.beta:g}, which is to be 1",
                f"set beta to {1 - self.alpha:g}",
            )

    def _through_weights(
        self, operation: Convolution | Linear, x: Tensor, signal: Tensor
    ) -> Tensor:
        weighted = _weighted(operation, self.bias)
        received = self.alpha * _of_sign(weighted, x, signal, 1)
        return received + self.beta * _of_sign(weighted, x, signal, -1) if self.beta else received


@dataclass(frozen=True)
class Positive(Redistribution):
    """R_i = sum_j z_ij+ / (sum z+ + max(0, b_j)) R_j: z+ [montavon2017, sections 4.2 and 6.2].

    z_ij+ = x_i w_ij+ where activations are not negative. Sums of layers share by their positive
    terms too, so that relevance keeps its sign.
    """

    def _through_weights(
        self, operation: Convolution | Linear, x: Tensor, signal: Tensor
    ) -> Tensor:
        return _of_sign(_weighted(operation, self.bias), x, signal, 1)

    def _through_sum(
        self,
        operation: AveragePool | AdaptiveAverage | Add,
        inputs: Sequence[Tensor],
        signal: Tensor,
    ) -> list[Tensor]:
        factors = operation.factors if isinstance(operation, Add) else (1.0,)
        terms = [(x * f).relu() for x, f in zip(inputs, factors, strict=True)]
        plain = Add((1.0,) * len(terms)) if isinstance(operation, Add) else operation
        share = _share(signal, plain.run(terms))
        passed = transposed(plain, terms, share)
        return [x * part for x, part in zip(terms, passed, strict=True)]


@dataclass(frozen=True, eq=False)
class Box(Redistribution):
    """R_i = sum_j q_ij / (sum q + max(0, b_j)) R_j: zB [montavon2017, sections 4.2 and 6.2].

    q_ij = x_i w_ij - l_i w_ij+ - h_i w_ij-, for inputs between l and h. low, high: of shapes that
    go with (N, C, *spatial). What lies beyond the edges of an image receives nothing.
    """

    low: Tensor = field(default_factory=lambda: torch.tensor(0.0))
    high: Tensor = field(default_factory=lambda: torch.tensor(1.0))

    def _through_weights(
        self, operation: Convolution | Linear, x: Tensor, signal: Tensor
    ) -> Tensor:
        weighted = _weighted(operation, self.bias)
        # q as two products of numbers of one sign, so that no difference of large ones is left.
        above, below = (x - self.low).clamp(min=0), (x - self.high).clamp(max=0)
        halves = [
            (_part(weighted, 1, weighted.bias), above),
            (_part(weighted, -1, None), below),
        ]
        return _among(halves, signal)


@dataclass(frozen=True)
class SquaredWeights(Redistribution):
    """R_i = sum_j w_ij^2 / sum w^2 R_j, whatever the inputs are [montavon2017, section 4.1]."""

    def _through_weights(
        self, operation: Convolution | Linear, x: Tensor, signal: Tensor
    ) -> Tensor:
        squared = replace(operation, weight=operation.weight.square(), bias=None)
        return _among([(squared, torch.ones_like(x))], signal)


def in_proportion(
    operation: Operation,
    inputs: Sequence[Tensor],
    signal: Tensor,
    epsilon: float,
    is_relative: bool,
) -> list[Tensor]:
    """Relevance in proportion to the contributions to a sum, which epsilon keeps from vanishing."""
    z = operation.run(inputs)
    size = z.flatten(1).square().mean(1).sqrt() if is_relative else z.new_ones(len(z))
    least = epsilon * size.view(-1, *(1,) * (z.ndim - 1))
    share = _share(signal, z + least * torch.where(z < 0, -1.0, 1.0))
    passed = transposed(operation, inputs, share)
    return [x * part for x, part in zip(inputs, passed, strict=True)]


def _weighted(operation: Convolution | Linear, bias: str) -> Convolution | Linear:
    """An operation whose bias takes part, or without it."""
    return operation if bias == "absorbs" else replace(operation, bias=None)


def _of_sign(operation: Convolution | Linear, x: Tensor, signal: Tensor, sign: int) -> Tensor:
    """What contributions of one sign receive, in proportion to them.

    Positive ones come from positive inputs with positive weights, and from negative with negative.
    """
    halves = [
        (_part(operation, sign, operation.bias), x.clamp(min=0)),
        (_part(operation, -sign, None), x.clamp(max=0)),
    ]
    return _among(halves, signal)


def _among(halves: Sequence[tuple[Convolution | Linear, Tensor]], signal: Tensor) -> Tensor:
    """What inputs receive in proportion to contributions that add up to the outputs of `halves`."""
    share = _share(signal, sum((half.run([y]) for half, y in halves), torch.zeros_like(signal)))
    found = [y * transposed(half, [y], share)[0] for half, y in halves]
    return sum(found[1:], found[0])


def _part(operation: Convolution | Linear, sign: int, bias: Tensor | None) -> Convolution | Linear:
    """With its weights of one sign, and what a bias has of it."""
    return replace(
        operation,
        weight=_half(operation.weight, sign),
        bias=None if bias is None else _half(bias, sign),
    )


def _half(values: Tensor, sign: int) -> Tensor:
    return values.clamp(min=0) if sign > 0 else values.clamp(max=0)


def _share(signal: Tensor, total: Tensor) -> Tensor:
    """Signal / total, and 0 where the total is."""
    return torch.where(total == 0, 0.0, signal / torch.where(total == 0, 1.0, total))
