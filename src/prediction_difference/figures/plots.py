"""How the curves of explanations look, alike in all plots of measures."""

from typing import Any

from prediction_difference.attribution.method import is_baseline
from prediction_difference.figures import style

_MARKERS = ("o", "s", "^", "D", "v", "P")


def look(number: int, method: str) -> dict[str, Any]:
    """Colour, line and marker of the explanation of this number; random order is grey, dashed."""
    if is_baseline(method):
        return {"color": style.BASELINE, "linestyle": "--", "linewidth": 1.3}
    return {
        "color": style.METHODS[number % len(style.METHODS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linewidth": 1.3,
        "markersize": 3.2,
    }
