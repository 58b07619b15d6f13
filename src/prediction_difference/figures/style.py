"""Colours, scales and numbers, alike in all figures."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.font_manager import FontProperties

from prediction_difference.typesetting import MINUS as MINUS
from prediction_difference.typesetting import TIMES as TIMES
from prediction_difference.typesetting import UNKNOWN as UNKNOWN
from prediction_difference.typesetting import number as number
from prediction_difference.typesetting import with_error as with_error

FOR = "#b2182b"
AGAINST = "#2166ac"
INK = "#1a1a1a"
FAINT_INK = "#595959"
FRAME = "#b3b3b3"
METHODS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart with any colour vision [Okabe and Ito, 2008]."""
BASELINE = "#7a7a7a"

_AGAINST_RAMP = ("#053061", AGAINST, "#67a9cf")
_FOR_RAMP = ("#ef8a62", FOR, "#67001f")
_LEVELS = 257  # odd, so that one of them is the middle
SIGNED: Colormap = LinearSegmentedColormap.from_list(
    "evidence", [*_AGAINST_RAMP, "#ffffff", *_FOR_RAMP], _LEVELS
)
"""Blue: against, white: zero, red: for."""
UNSIGNED: Colormap = LinearSegmentedColormap.from_list("strength", ["#ffffff", *_FOR_RAMP], _LEVELS)
"""White: zero, red: strong."""

PIXELS_PER_INCH = 150

CUT = "…"

DARKEST_GROUND = 0.62
"""Grey of what is black, where colours are laid over it."""
_PEAK_PERCENTILE = 99.5
_LUMINANCE = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue [ITU-R BT.601]."""
_NARROWEST_LETTER = 0.27  # of the font's size
_FAMILY = "DejaVu Sans"
_SETTINGS: dict[Any, Any] = {
    "font.family": _FAMILY,
    "font.size": 8.0,
    "text.color": INK,
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT_INK,
    "ytick.color": FAINT_INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    # Names of classes and images are shown as they are, even with a dollar sign.
    "text.parse_math": False,
}


@contextmanager
def context() -> Iterator[None]:
    """Draw with these settings, whatever a user's own matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def symmetric(limit: float) -> Normalize:
    """Scale from -limit to limit, so that zero is white; all white if the limit is 0."""
    return Normalize(-(limit or 1.0), limit or 1.0)


def from_zero(limit: float) -> Normalize:
    """Scale from 0 to limit; all white if the limit is 0."""
    return Normalize(0.0, limit or 1.0)


def largest(arrays: Iterable[np.ndarray]) -> float:
    """Largest absolute value of all arrays, 0 without any."""
    return max((float(np.abs(array).max()) for array in arrays), default=0.0)


def picture(image: np.ndarray) -> np.ndarray:
    """(C, y, x) image -> (y, x, 3) colours in 0 to 1; grey unless it has three channels.

    Values outside of 0 to 1 are scaled into it, from the smallest to the largest.
    """
    low, high = min(float(image.min()), 0.0), max(float(image.max()), 1.0)
    scaled = (image - low) / (high - low)
    if len(scaled) != 3:
        scaled = np.repeat(scaled.mean(0, keepdims=True), 3, axis=0)
    return np.moveaxis(scaled, 0, -1)


def grey_picture(image: np.ndarray) -> np.ndarray:
    """(C, y, x) image -> (y, x, 3) light greys, its luminance."""
    return _light_greys(picture(image) @ _LUMINANCE)


def lightened(grey: np.ndarray, peak: float) -> np.ndarray:
    """(...) tissue, 0 outside -> (..., 3) light greys, white outside; white from `peak` on."""
    greys = _light_greys(_brightness(grey, peak))
    return np.where((grey == 0)[..., None], 1.0, greys)


def peak_of(grey: np.ndarray) -> float:
    """(...) tissue, 0 outside -> the brightness from which on it is shown white."""
    inside = grey[grey != 0]
    return float(np.percentile(inside, _PEAK_PERCENTILE)) if inside.size else 1.0


def greys(grey: np.ndarray, peak: float) -> np.ndarray:
    """(...) tissue -> (..., 3) greys as scans are looked at: 0 is black, white from `peak` on."""
    return np.repeat(_brightness(grey, peak)[..., None], 3, axis=-1)


def reversed_greys(grey: np.ndarray, peak: float) -> np.ndarray:
    """(...) tissue -> (..., 3) greys the other way round: 0 is white, black from `peak` on."""
    return 1 - greys(grey, peak)


def _brightness(grey: np.ndarray, peak: float) -> np.ndarray:
    return np.asarray(np.clip(grey / (peak or 1.0), 0, 1))


def _light_greys(brightness: np.ndarray) -> np.ndarray:
    """(...) brightness in 0 to 1 -> (..., 3)."""
    shade = DARKEST_GROUND + (1 - DARKEST_GROUND) * brightness
    return np.repeat(shade[..., None], 3, axis=-1)


def colours_of(limit: float, is_signed: bool) -> tuple[Colormap, Normalize]:
    """What shows relevance, with full colour at `limit`."""
    return (SIGNED, symmetric(limit)) if is_signed else (UNSIGNED, from_zero(limit))


def overlay(
    ground: np.ndarray,
    relevance: np.ndarray,
    limit: float,
    hidden: np.ndarray | None = None,
    is_signed: bool = True,
) -> np.ndarray:
    """(..., 3) ground tinted by (...) relevance -> (..., 3); untouched where `hidden`.

    Colours multiply, as transparent ink whose strength is the relevance: zero leaves the ground as
    it is, and over white there is what the heatmap alone shows.
    """
    colours, scale = colours_of(limit, is_signed)
    tinted = ground * colours(scale(relevance))[..., :3]
    return tinted if hidden is None else np.where(hidden[..., None], ground, tinted)


def covered(
    ground: np.ndarray,
    relevance: np.ndarray,
    limit: float,
    hidden: np.ndarray,
    is_signed: bool = True,
) -> np.ndarray:
    """(..., 3) ground under the colours of (...) relevance -> (..., 3); bare where `hidden`.

    Nothing of the ground shines through, so that colours are those of the scale over black, too.
    """
    colours, scale = colours_of(limit, is_signed)
    return np.where(hidden[..., None], ground, colours(scale(relevance))[..., :3])


def fit(
    text: str,
    inches: float,
    size: float,
    lines: int,
    weight: Literal["normal", "bold"] = "normal",
    ending: str = "",
) -> str:
    """Text of a font size broken into lines that fit a width, the last one with an ending.

    What needs more lines is cut, at a comma if there is one, since further names of a class follow.
    """
    room = inches - (_width(ending, size, weight) if ending else 0.0)
    whole = _fit(text, room, size, lines, weight)
    if whole.endswith(CUT):
        whole = _fit(text.partition(", ")[0], room, size, lines, weight)
    return whole + ending


@cache
def _fit(text: str, inches: float, size: float, lines: int, weight: str) -> str:
    most = int(72 * inches / (size * _NARROWEST_LETTER))
    for letters in range(min(len(text), most), 1, -1):
        broken = wrap(text, letters, lines)
        if max(_width(line, size, weight) for line in broken.split("\n")) <= inches:
            return broken
    return text[:1]


@cache
def _width(line: str, size: float, weight: str) -> float:
    """Of a line of text in the PNG, in inches."""
    properties = FontProperties(family=[_FAMILY], size=size, weight=weight)
    width, _, _ = _renderer().get_text_width_height_descent(line, properties, ismath=False)
    return float(width) / PIXELS_PER_INCH


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, PIXELS_PER_INCH)


def wrap(text: str, width: int, lines: int) -> str:
    """Text broken into lines of at most `width` letters; what needs more lines is cut."""
    broken = textwrap.wrap(text, width, max_lines=lines, placeholder=CUT)
    return "\n".join(broken)
