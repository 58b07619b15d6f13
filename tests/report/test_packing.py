"""Numbers come out as they went in, to three digits, by a reader that shares nothing with it."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from prediction_difference.figures.style import picture
from prediction_difference.report.packing import Packed, pack, pack_picture

LEAST = 1e-8
"""Share of the largest number from which on others have three digits."""

NUMBERS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.floats(-1e6, 1e6, width=32),
)


def unpacked(packed: Packed, shape: tuple[int, ...]) -> np.ndarray:
    """As the format is described: halves of low and of high bytes, one number after another."""
    planes = zlib.decompress(base64.b64decode(packed.text))
    half = len(planes) // 2
    pairs = zip(planes[:half], planes[half:], strict=True)
    numbers = [struct.unpack("<e", bytes(pair))[0] * 2.0**packed.exponent for pair in pairs]
    return np.array(numbers).reshape(shape)


def shown(number: float) -> float:
    """As the page shows it."""
    return float(f"{number:.2e}")


@given(NUMBERS)
@example(np.array([[1e-45, 0.0]], np.float32))
def test_numbers_keep_three_digits(values):
    found = unpacked(pack(values), values.shape)
    largest = float(np.abs(values).max())
    for number, true in zip(found.ravel(), values.astype(np.float64).ravel(), strict=True):
        if abs(true) < largest * LEAST or true == 0:
            assert abs(number - true) <= largest * LEAST / 100
        else:
            assert abs(shown(number) - true) <= 0.5001 * 10.0 ** (np.floor(np.log10(abs(true))) - 2)
            assert np.sign(number) == np.sign(true)


@given(st.integers(-999, 999), st.integers(-20, 20))
def test_numbers_of_three_digits_are_exact(mantissa, exponent):
    number = float(f"{mantissa}e{exponent}")
    found = unpacked(pack(np.array([[number, -number]])), (2,))
    assert [shown(one) for one in found] == [number, -number]


def test_a_longer_mantissa_goes_into_the_next_decade():
    found = unpacked(pack(np.array([[9.996, -0.99951, 999.4]])), (3,))
    assert [shown(one) for one in found] == [10, -1, 999]


def test_far_smaller_numbers_are_zero_without_a_sign():
    found = unpacked(pack(np.array([[1.0, -1e-15, LEAST]])), (3,))
    assert found[1] == 0
    assert not np.signbit(found[1])
    assert shown(found[2]) == LEAST


def test_what_is_no_number_stays_so():
    values = np.array([[np.nan, 1.5], [np.inf, -np.inf]])
    assert np.isnan(unpacked(pack(values), (2, 2))).tolist() == [[True, False], [True, True]]
    assert unpacked(pack(values), (2, 2))[0, 1] == 1.5


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_map_without_any_value_is_packed(value):
    values = np.full((3, 2), value)
    np.testing.assert_array_equal(unpacked(pack(values), (3, 2)), values)


def test_the_map_of_a_coarse_grid_is_small():
    fine = np.random.default_rng(3).normal(size=(224, 224))
    coarse = fine[::8, ::8].repeat(8, 0).repeat(8, 1)
    assert len(pack(coarse).text) < len(pack(fine).text) / 10


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_those_of_the_figures(channels):
    image = np.random.default_rng(5).uniform(size=(channels, 4, 7))
    file = io.BytesIO(base64.b64decode(pack_picture(image)))
    read = np.asarray(Image.open(file).convert("RGB"))
    np.testing.assert_allclose(read / 255, picture(image), atol=0.5 / 255 + 1e-9)
