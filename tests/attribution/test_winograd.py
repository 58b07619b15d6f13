"""Convolutions by transformed tiles: equal to the plain sum, as exact, and only where they pay."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from prediction_difference.attribution.engines.kernels import Kernel
from prediction_difference.attribution.engines.winograd import Winograd
from prediction_difference.classifiers.operations import Convolution

TILES = (3, 4, 5)


def convolution(channels: int, maps: int, **changed) -> Convolution:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(maps, channels, 3, 3, generator=generator) / (9 * channels) ** 0.5
    parts = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1} | changed
    return Convolution(parts.pop("weight", weight), None, **parts)


def images(*shape: int) -> Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    return values.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("m", TILES)
@pytest.mark.parametrize(
    ("sides", "rim"),
    [
        ((7, 9), (1, 1)),
        ((6, 5), (2, 2)),
        ((13, 4), (0, 1)),
        ((3, 3), (0, 0)),
        ((1, 1), (2, 2)),
        ((5, 8), (0, 2)),
    ],
)
def test_equals_the_plain_sum_to_its_own_rounding(m, sides, rim):
    operation = convolution(64, 24)
    values = images(5, 64, *sides)
    exact = functional.conv2d(values.double(), operation.weight.double(), padding=rim)
    found = Winograd(operation)(values, rim, m)
    assert found.shape == exact.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert float((found - exact).abs().max()) < 2e-5


@pytest.mark.parametrize("m", TILES)
def test_rounding_is_near_that_of_the_plain_sum(m):
    operation = convolution(256, 32)
    values = images(20, 256, 12, 12)
    exact = functional.conv2d(values.double(), operation.weight.double(), padding=1)
    plain = functional.conv2d(values, operation.weight, padding=1)
    found = Winograd(operation)(values, (1, 1), m)
    errors = [float((one - exact).square().mean().sqrt()) for one in (found, plain)]
    assert errors[0] < 5 * errors[1]


def test_no_change_stays_none():
    found = Winograd(convolution(8, 8))(torch.zeros(2, 8, 6, 6), (1, 1), 4)
    assert torch.equal(found, torch.zeros(2, 8, 6, 6))


@pytest.mark.parametrize(
    ("changed", "dtype", "fits"),
    [
        ({}, torch.float32, True),
        ({}, torch.bfloat16, False),
        ({"stride": (2, 1)}, torch.float32, False),
        ({"dilation": (1, 2)}, torch.float32, False),
        ({"weight": torch.zeros(8, 4, 3, 3), "groups": 2}, torch.float32, False),
        ({"weight": torch.zeros(8, 8, 5, 5)}, torch.float32, False),
        ({"weight": torch.zeros(8, 8, 3, 1)}, torch.float32, False),
        ({"weight": torch.zeros(8, 8, 3, 3, 3)}, torch.float32, False),
    ],
)
def test_only_what_it_is_for(changed, dtype, fits):
    assert Winograd.fits(convolution(8, 8, **changed), dtype) is fits


def test_tiles_only_where_multiplications_outweigh_moving():
    many = Winograd(convolution(512, 512))
    assert many.tile((7, 7), (1, 1)) in TILES
    assert Winograd(convolution(16, 16)).tile((7, 7), (1, 1)) is None
    # Of 16 products for a single output, 9 would do.
    assert many.tile((3, 3), (0, 0)) is None


def test_kernels_use_tiles_unless_told_otherwise():
    operation = convolution(512, 512)
    values = images(2, 512, 7, 7)
    tiled, plain = (
        Kernel(operation, torch.float32, transforms=transforms)(values, (1, 1))
        for transforms in (True, False)
    )
    assert not torch.equal(tiled, plain)
    assert float((tiled - plain).abs().max()) < 2e-5
