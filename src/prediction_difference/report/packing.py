"""Numbers and pictures as text in a page: small, and exact in every digit that the page shows.

`viewer/reading.js` unpacks what is packed here.
"""

import base64
import io
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from prediction_difference.figures.style import peak_of, picture

DIGITS = 3
"""Significant decimal digits of a packed number."""
_LEAST = 10 ** (DIGITS - 1)
_MANTISSAS = 9 * _LEAST
DECADES = (2**15 - 1) // _MANTISSAS
"""Numbers that are so many decades smaller than the largest are packed as zero."""
_NOT_FINITE = -(2**15)


@dataclass(frozen=True)
class Packed:
    """Numbers as text; 100 x 10^`exponent` is the smallest that is told from zero."""

    text: str
    exponent: int


def pack(values: np.ndarray) -> Packed:
    """(y, x) or (z, y, x) numbers -> text, of three significant digits each; NaN stays NaN.

    A number takes 16 bits: its sign, and how many numbers of three digits are smaller, beginning
    36 decades below the largest. What is compressed are differences between neighbours, their low
    bytes before their high bytes. Infinite numbers become NaN.
    """
    numbers = values.astype(np.float64).ravel()
    is_finite = np.isfinite(numbers)
    mantissa, exponent = _decimal(np.where(is_finite, numbers, 0.0))
    is_zero = mantissa == 0
    largest = 0 if is_zero.all() else int(exponent[~is_zero].max())
    lowest = largest - DECADES + 1
    place = (exponent - lowest) * _MANTISSAS + np.abs(mantissa) - _LEAST + 1
    codes = np.where(is_zero | (exponent < lowest), 0, np.sign(mantissa) * place)
    steps = np.diff(np.where(is_finite, codes, _NOT_FINITE), prepend=0).astype(np.uint16)
    planes = steps.astype("<u2").view(np.uint8).reshape(-1, 2).T
    return Packed(in_base64(zlib.compress(planes.tobytes(), 9)), lowest)


def pack_picture(image: np.ndarray) -> str:
    """(C, y, x) image as a person would look at it -> a PNG."""
    pixels = np.rint(255 * picture(image)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png", optimize=True)
    return in_base64(file.getvalue())


@dataclass(frozen=True)
class PackedGreys:
    """Brightness as text; `low` and `high` are the values of the darkest and the brightest grey.

    peak: brightness from which on it may be shown white.
    """

    text: str
    low: float
    high: float
    peak: float


def pack_greys(volume: np.ndarray) -> PackedGreys:
    """(z, y, x) brightness -> text; each is rounded to one of 256 greys, evenly spaced."""
    low, high = min(float(volume.min()), 0.0), float(volume.max())
    greys = np.rint(255 * (volume - low) / ((high - low) or 1.0)).astype(np.uint8)
    text = in_base64(zlib.compress(greys.tobytes(), 9))
    return PackedGreys(text, low, high, peak_of(volume))


def pack_text(text: str) -> str:
    """A long text, much shorter."""
    return in_base64(zlib.compress(text.encode(), 9))


def _decimal(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finite numbers -> mantissas of three digits with a sign, 0 of zero; and exponents of ten."""
    size = np.abs(numbers)
    logarithm = np.log10(size, out=np.zeros_like(size), where=size > 0)
    exponent = np.floor(logarithm).astype(np.int64) - (DIGITS - 1)
    mantissa = np.rint(numbers / 10.0**exponent).astype(np.int64)
    # 999.7 has been rounded to 1000, one digit too many.
    is_long = np.abs(mantissa) == 10 * _LEAST
    return np.where(is_long, mantissa // 10, mantissa), exponent + is_long


def in_base64(content: bytes) -> str:
    """The content of a file as letters."""
    return base64.b64encode(content).decode("ascii")
