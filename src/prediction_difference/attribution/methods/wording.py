"""Settings that several methods have, in words."""

from typing import Protocol


class _Box(Protocol):
    @property
    def lowest(self) -> float: ...

    @property
    def highest(self) -> float: ...


def norm_in_words(norm: str) -> str:
    """A norm over channels."""
    names = {"l2": "Euclidean", "linf": "maximum", "squared": "squared Euclidean"}
    return names.get(norm, norm)


def values_in_words(box: _Box) -> str:
    """The range of values that images can have."""
    return f"values of {box.lowest:g} to {box.highest:g}"
