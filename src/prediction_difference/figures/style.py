"""Colours, scales and numbers, alike in all figures."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize

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

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
UNKNOWN = "\N{EN DASH}"

DARKEST_GROUND = 0.62
"""Grey of what is black, where colours are laid over it."""
_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
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


def lightened(grey: np.ndarray, peak: float) -> np.ndarray:
    """(...) tissue, 0 outside -> (..., 3) light greys, white outside; white from `peak` on."""
    shade = DARKEST_GROUND + (1 - DARKEST_GROUND) * np.clip(grey / (peak or 1.0), 0, 1)
    return np.repeat(np.where(grey == 0, 1.0, shade)[..., None], 3, axis=-1)


def overlay(
    ground: np.ndarray, relevance: np.ndarray, limit: float, hidden: np.ndarray
) -> np.ndarray:
    """(..., 3) ground tinted by (...) relevance -> (..., 3); untouched where `hidden`.

    Colours multiply, so zero, which is white, leaves the ground as it is.
    """
    tint = SIGNED(symmetric(limit)(relevance))[..., :3]
    return np.where(hidden[..., None], ground, ground * tint)


def number(value: float | None, digits: int = 3) -> str:
    """A number of so many significant digits, typeset; a dash if it is unknown."""
    if value is None or not np.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if abs(value) >= 10**digits and abs(value) < 1e6:
        return f"{value:,.0f}".replace("-", MINUS)
    mantissa, _, exponent = f"{value:#.{digits}g}".partition("e")
    text = mantissa.rstrip(".").replace("-", MINUS)
    if not exponent:
        return text
    superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{text}{TIMES}10{superscript}"


def with_error(value: float, error: float) -> str:
    """A number and its standard error, both to the second digit of the error."""
    if not np.isfinite(error) or error == 0:
        return number(value)
    decimals = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", MINUS)


def wrap(text: str, width: int, lines: int) -> str:
    """Text broken into lines of at most `width` letters; what needs more lines is cut."""
    broken = textwrap.wrap(text, width, max_lines=lines, placeholder="…")
    return "\n".join(broken)
