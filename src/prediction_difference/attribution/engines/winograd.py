"""Convolutions of 3 x 3 with few multiplications: products of polynomials in place of sums.

A tile of m x m outputs takes (m + 2)^2 products of transformed values and weights where the sum
takes 9 m^2 [winograd1980; lavin2016]. The transforms are matrices here, so the points behind them
need not be whole numbers: they were searched for the least rounding, which is about that of the
plain sum.
"""

import functools
import itertools
import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from prediction_difference.classifiers.operations import Convolution, Places

_POINTS: Mapping[int, tuple[float, ...]] = {
    3: (0.5, -0.5, 1.4, -1.4),
    4: (0, 0.7, -0.7, 1.5, -1.5),
    5: (0.3, -0.3, 0.9, -0.9, 1.8, -1.8),
}
"""By side m of a tile: where polynomials are evaluated, beside infinity. Rounding grows with m."""
_TAPS = 3
_FLOPS = 450e9
_SECONDS_PER_VALUE = 1e-9
"""What two cores need to move a transformed value through its way; see `Winograd.tile`."""


class Winograd:
    """The transformed weights of a convolution, (outputs, C, 3, 3), stride 1, float32, on a CPU."""

    def __init__(self, operation: Convolution):
        self._weight = operation.weight
        self._transformed: dict[int, Tensor] = {}
        self._chosen: dict[tuple[Places, Places], int | None] = {}

    @staticmethod
    def fits(operation: Convolution, dtype: torch.dtype) -> bool:
        """Whether the convolution is one of those that this is for."""
        weight = operation.weight
        return (
            tuple(weight.shape[2:]) == (_TAPS, _TAPS)
            and set(operation.stride) == set(operation.dilation) == {1}
            and operation.groups == 1
            and dtype == torch.float32
            and weight.device.type == "cpu"
        )

    def tile(self, sides: Places, rim: Places) -> int | None:
        """The side m of tiles with which images of these sides are fastest; None: the plain sum.

        rim: zeros around the images. By a rule and no measurement, so that values are the same
        every time: multiplications, and what is moved to and fro.
        """
        if (sides, rim) not in self._chosen:
            outputs = tuple(_outputs(side, pad) for side, pad in zip(sides, rim, strict=True))
            self._chosen[sides, rim] = self._fastest(outputs)
        return self._chosen[sides, rim]

    def _fastest(self, outputs: Places) -> int | None:
        maps, channels = self._weight.shape[:2]
        best = 2 * _TAPS**2 * math.prod(outputs) * channels * maps / _FLOPS
        tile = None
        for m in _POINTS:
            tiles = math.prod(math.ceil(side / m) for side in outputs)
            values = _values(m) ** 2
            products = channels * maps + values * channels + m**2 * maps
            moved = _SECONDS_PER_VALUE * (channels + maps)
            seconds = tiles * values * (2 * products / _FLOPS + moved)
            if seconds < best:
                best, tile = seconds, m
        return tile

    def __call__(self, images: Tensor, rim: Places, m: int) -> Tensor:
        """(N, C, *sides), zeros around it -> (N, outputs, *sides), with channels innermost."""
        count, channels, *sides = images.shape
        outputs = [_outputs(side, pad) for side, pad in zip(sides, rim, strict=True)]
        tiles = [math.ceil(side / m) for side in outputs]
        back, forth = (matrix.to(images) for matrix in _transforms(m))
        values = _tiles(images, rim, tiles, m).reshape(len(forth), -1)
        products = torch.bmm((forth @ values).unflatten(1, (-1, channels)), self._weights(m))
        found = (back @ products.flatten(1)).view(m, m, count, *tiles, -1)
        out = images.new_empty(count, *outputs, found.shape[-1])
        for row, column in itertools.product(range(m), repeat=2):
            part = out[:, row::m, column::m]
            part.copy_(found[row, column, :, : part.shape[1], : part.shape[2]])
        return out.movedim(-1, 1)

    def _weights(self, m: int) -> Tensor:
        """(values of a tile, C, outputs)."""
        if m not in self._transformed:
            taps = torch.from_numpy(_both_axes(_evaluated(m, _TAPS)))
            weight = self._weight.movedim((2, 3), (0, 1)).transpose(2, 3).flatten(0, 1)
            transformed = torch.tensordot(taps, weight.double(), 1)
            self._transformed[m] = transformed.float().contiguous()
        return self._transformed[m]


def _outputs(side: int, pad: int) -> int:
    return side + 2 * pad - _TAPS + 1


def _values(m: int) -> int:
    """How many values along an axis a tile of m outputs is made from."""
    return m + _TAPS - 1


def _tiles(images: Tensor, rim: Places, tiles: list[int], m: int) -> Tensor:
    """(N, C, *sides) -> (values, values, N, *tiles, C): overlapping tiles, with zeros around."""
    count, channels, height, width = images.shape
    padded = images.new_zeros(count, *(_values(m * number) for number in tiles), channels)
    top, left = rim
    padded[:, top : top + height, left : left + width] = images.movedim(1, -1)
    image, row, column, value = padded.stride()
    return padded.as_strided(
        (_values(m), _values(m), count, *tiles, channels),
        (row, column, image, m * row, m * column, value),
    )


@functools.cache
def _transforms(m: int) -> tuple[Tensor, Tensor]:
    """From a tile's products to its outputs, and to the values that are multiplied.

    Notes: with E_k what evaluates polynomials of k coefficients at the n points of an axis, its
    outputs are E_m^T ((E_3 weights) * (E_n^-T values)).
    """
    forth = np.linalg.inv(_evaluated(m, _values(m))).T
    back, forth = _both_axes(_evaluated(m, m).T), _both_axes(forth)
    return torch.from_numpy(back), torch.from_numpy(forth)


def _both_axes(matrix: np.ndarray) -> np.ndarray:
    """What a matrix does along each of two axes, as one matrix."""
    return np.kron(matrix, matrix)


def _evaluated(m: int, coefficients: int) -> np.ndarray:
    """(n, coefficients) float64: powers of the points, and the last coefficient at infinity."""
    powers = np.array(_POINTS[m])[:, None] ** np.arange(coefficients)
    return np.vstack([powers, np.eye(coefficients)[-1:]])
