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

_DIGITS = 3
"""Significant decimal digits of a packed number; the 11 binary ones of float16 hold them."""
_LARGEST = 15
"""The largest number of all is scaled to below 2 to this power, which float16 has."""


@dataclass(frozen=True)
class Packed:
    """Numbers as text, each of them divided by 2^`exponent`."""

    text: str
    exponent: int


def pack(values: np.ndarray) -> Packed:
    """(y, x) or (z, y, x) numbers -> text, of three significant digits each; NaN stays NaN.

    They are rounded to three decimal digits and kept as float16, the low bytes of all before the
    high bytes, compressed. What is less than 1e-8 of the largest loses digits, or is zero. Infinite
    numbers become NaN.
    """
    numbers = np.where(np.isfinite(values), values, np.nan).astype(np.float64).ravel()
    is_some = np.abs(numbers) > 0
    size = np.abs(numbers, where=is_some, out=np.ones_like(numbers))
    unit = 10.0 ** (np.floor(np.log10(size)) - (_DIGITS - 1))
    numbers = np.rint(numbers / unit) * unit
    exponent = int(np.frexp(np.abs(numbers[is_some]).max(initial=0.0))[1]) - _LARGEST
    # Zero is added to lose the sign of what is rounded to zero.
    halves = np.ldexp(numbers, -exponent).astype("<f2") + np.float16(0)
    planes = halves.view(np.uint8).reshape(-1, 2).T
    return Packed(in_base64(zlib.compress(planes.tobytes(), 9)), exponent)


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


def in_base64(content: bytes) -> str:
    """The content of a file as letters."""
    return base64.b64encode(content).decode("ascii")
