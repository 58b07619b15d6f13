"""Numbers as text."""

import math

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
UNKNOWN = "\N{EN DASH}"
_ROUNDING = 1e-12
"""Share of a value below which its standard error is none, but the rounding of equal numbers."""


def number(value: float | None, digits: int = 3) -> str:
    """A number of so many significant digits, typeset; a dash if it is unknown."""
    if value is None or not math.isfinite(value):
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
    if not math.isfinite(error) or error <= _ROUNDING * abs(value):
        return number(value)
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", MINUS)


def count(number: int, noun: str) -> str:
    """1 image, 2 images."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
