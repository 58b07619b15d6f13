"""The maps that were run as pictures: one network in a row, its image and the map of each case."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prediction_difference.benchmark.inputs import explained_image
from prediction_difference.benchmark.settings import BenchmarkSettings
from prediction_difference.benchmark.tables import NAMES
from prediction_difference.figures import style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.priors.windows import WindowGrid

_PANEL, _GAP, _MARGIN = 1.5, 0.14, 0.12  # inches
_HEADER, _UNDER, _FOOT = 0.34, 0.46, 0.6
_BAR = 1.2


def map_panels(settings: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Drawing:
    """Weights of evidence of the predicted class, every row on the scale of its first map."""
    columns = 1 + max((len(part["result"]["cases"]) for part in parts), default=1)
    height = _MARGIN + len(parts) * (_HEADER + _PANEL + _UNDER) + _FOOT
    canvas = Canvas.empty(2 * _MARGIN + columns * (_PANEL + _GAP) - _GAP, height)
    if not parts:
        canvas.text(_MARGIN, _MARGIN, "nothing was measured")
    read = BenchmarkSettings.model_validate(settings)
    numbers = {}
    for row, part in enumerate(parts):
        top = _MARGIN + row * (_HEADER + _PANEL + _UNDER)
        numbers[part["part"]] = _draw_row(canvas, top, part, read)
    if parts:
        _draw_bar(canvas, height - _FOOT)
    return Drawing(canvas.figure, numbers, _caption(read, parts), name="maps", title="maps")


def _draw_row(
    canvas: Canvas, top: float, part: Mapping[str, Any], settings: BenchmarkSettings
) -> dict[str, Any]:
    """Returns the numbers drawn for each case."""
    result, side = part["result"], settings.networks[part["network"]].side
    title = f"{part['network']}, {part['device']}, stride {result['stride']}"
    canvas.text(_MARGIN, top, title, weight="bold")
    image = style.picture(explained_image(settings, side))
    show(canvas.panel(_MARGIN, top + _HEADER, _PANEL, _PANEL), image, None, None)
    maps = {
        case: WindowGrid((side, side), settings.window, result["stride"]).average(
            np.array(found["window_score"])
        )
        for case, found in result["cases"].items()
        if not found["refused"]
    }
    limit = style.largest(list(maps.values())[:1]) or 1.0
    for column, (case, found) in enumerate(result["cases"].items(), start=1):
        left = _MARGIN + column * (_PANEL + _GAP)
        canvas.text(left, top + 0.16, NAMES[case], size=7.5)
        if found["refused"]:
            canvas.text(left, top + _HEADER, style.wrap(found["refused"], 26, 8), size=6.5)
            continue
        axes = canvas.panel(left, top + _HEADER, _PANEL, _PANEL)
        show(axes, maps[case], style.SIGNED, style.symmetric(limit))
        under = _under(found, maps[case], next(iter(maps.values())), limit)
        canvas.text(left, top + _HEADER + _PANEL + 0.04, under, size=6.5, colour=style.FAINT_INK)
    return {
        case: {"limit": rounded(limit), "relevance": rounded(relevance)}
        for case, relevance in maps.items()
    }


def _under(found: Mapping[str, Any], one: np.ndarray, first: np.ndarray, limit: float) -> str:
    lines = [f"±{style.number(limit)} bit, {style.number(found['seconds'])} s"]
    if one is not first:
        away = float(np.abs(one - first).max())
        lines.append(f"largest difference {style.number(away)} bit")
    if found["went_on_in_float32"]:
        lines.append("went on in float32")
    return "\n".join(lines)


def _draw_bar(canvas: Canvas, top: float) -> None:
    canvas.colour_bar(
        canvas.width / 2 - _BAR / 2,
        top,
        _BAR,
        colours=style.SIGNED,
        scale=style.symmetric(1),
        ticks={-1.0: f"{style.MINUS}limit", 0.0: "0", 1.0: "+limit"},
        title="against (blue), for (red)",
    )


def _caption(settings: BenchmarkSettings, parts: Sequence[Mapping[str, Any]]) -> str:
    if not parts:
        return "Nothing was measured."
    random = [
        part["network"] for part in parts if settings.networks[part["network"]].weights is None
    ]
    weights = f" The weights of {', '.join(dict.fromkeys(random))} are random." if random else ""
    return (
        f"Weight of evidence of the predicted class, k = {settings.window}, l = {settings.patch}, "
        f"S = {settings.samples}, the same draws for all maps of a row, which share one scale. "
        f"Below each map: the limit of the colours, the seconds that it took, and how far it is "
        f"from the first map of its row at most.{weights}"
    )
