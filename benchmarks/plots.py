"""What was measured as plots: speed, what optimisations bring, how cost grows, maps."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.scaling import AXES
from benchmarks.settings import BenchmarkSettings
from benchmarks.subject import natural_image
from benchmarks.tables import NAMES, Parts, of_kind
from prediction_difference.figures import style
from prediction_difference.figures.drawing import rounded
from prediction_difference.priors.windows import WindowGrid

Plot = tuple[Figure, Mapping[str, Any], str]
"""A figure, the numbers that it shows, and its caption."""

_COLOURS = {
    "dense": style.METHODS[0],
    "dense-bfloat16": style.METHODS[5],
    "incremental": style.METHODS[1],
    "incremental-bfloat16": style.METHODS[4],
    "captum": style.METHODS[2],
    "monai": style.METHODS[3],
}
_MARKERS = ("o", "s", "^", "D", "v", "P")
_TEXT = 7.5


def save_all(settings: BenchmarkSettings, parts: Parts, output: Path) -> None:
    """Write speed, ablation, scaling and maps as .png, .pdf and, numbers and caption, .json."""
    for name, draw in _PLOTS.items():
        with style.context():
            figure, numbers, caption = draw(settings, parts)
            for kind in ("png", "pdf"):
                figure.savefig(output / f"{name}.{kind}", dpi=style.PIXELS_PER_INCH)
        content = {"caption": caption if numbers else "Nothing was measured.", "numbers": numbers}
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        (output / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _speed(settings: BenchmarkSettings, parts: Parts) -> Plot:
    groups: dict[str, Any] = {}
    for part in of_kind(parts, "network"):
        cases, targets = part["result"]["cases"], settings.networks[part["network"]].targets
        dense = cases.get("dense", {}).get("rate", {}).get("median", np.nan)
        is_aimed = part["device"] == "cpu"
        marks = {NAMES[case]: times * dense for case, times in targets.items() if is_aimed}
        groups[f"{part['network']}, {part['device']}"] = (cases, marks)
    return *_bars(groups), (
        f"Windows a second, {_sampling(settings)}, with sampling and averaging. Bars: median of "
        f"{settings.rounds} rounds in which the cases took turns; lines: smallest to largest. "
        "Marks: targets, as multiples of dense in float32. captum and MONAI ran as many forward "
        "passes as the windows need samples."
    )


def _ablation(settings: BenchmarkSettings, parts: Parts) -> Plot:
    groups: dict[str, Any] = {
        f"{part['network']}, {part['device']}": (part["result"]["variants"], {})
        for part in of_kind(parts, "ablation")
    }
    return *_bars(groups), (
        f"Windows a second of the incremental engine with some of its options changed, "
        f"{_sampling(settings)}. Bars: median of {settings.rounds} rounds; lines: smallest to "
        "largest."
    )


def _sampling(settings: BenchmarkSettings) -> str:
    return f"k = {settings.window}, S = {settings.samples}, stride 1"


def _bars(groups: Mapping[str, tuple[Mapping[str, Any], Mapping[str, float]]]) -> tuple[Any, Any]:
    """Horizontal bars from 0, every network on a scale of its own; what was refused has none."""
    numbers = {
        title: {case: found["rate"] for case, found in cases.items() if not found["refused"]}
        for title, (cases, _) in groups.items()
    }
    heights = [0.4 + 0.19 * len(measured) for measured in numbers.values()] or [1.0]
    figure = Figure(figsize=(7, 0.4 + sum(heights)), layout="constrained")
    figure.suptitle("windows a second", size=9, weight="bold")
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (title, measured) in zip(panels, numbers.items(), strict=False):
        axes.set_title(title, size=8, weight="bold", loc="left")
        _draw_bars(axes, measured, groups[title][1])
    return figure, numbers


def _draw_bars(axes: Axes, measured: Mapping[str, Any], marks: Mapping[str, float]) -> None:
    names = [NAMES.get(case, case) for case in measured]
    low, middle, high = (
        np.array([one[key] for one in measured.values()]) for key in ("min", "median", "max")
    )
    colours = [_COLOURS.get(case, style.BASELINE) for case in measured]
    ends = {"ecolor": style.INK, "elinewidth": 0.8}
    bars = axes.barh(
        names, middle, 0.72, xerr=[middle - low, high - middle], color=colours, error_kw=ends
    )
    reach = max([*high, *marks.values()], default=1.0)
    axes.bar_label(bars, [f"  {style.number(one)}" for one in middle], size=_TEXT)
    for name, mark in marks.items():
        if name in names:
            place = names.index(name)
            axes.vlines(mark, place - 0.5, place + 0.5, colors=style.INK, linewidth=1.2)
    axes.set(xlim=(0, 1.12 * reach), ylim=(len(names) - 0.5, -0.5), xticks=[])
    axes.tick_params(left=False)
    axes.spines["bottom"].set_visible(False)


def _scaling(settings: BenchmarkSettings, parts: Parts) -> Plot:
    parts = of_kind(parts, "scaling")
    figure = Figure(figsize=(8, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).flat
    for axis, axes in zip(AXES, panels, strict=True):
        _draw_panel(axes, axis, parts)
    for axes in panels[::3]:
        axes.set_ylabel("seconds for a whole map")
    handles = panels[0].get_legend_handles_labels()
    if handles[0]:
        figure.legend(*handles, loc="outside lower left", fontsize=8)
    numbers = {part["part"]: part["result"] for part in parts}
    if not numbers:
        return figure, {}, ""
    some = parts[0]["result"]
    return (
        figure,
        numbers,
        (
            f"Cost of a whole map of {some['network']}, from a share of its windows. One thing is "
            f"varied in each panel; elsewhere the side is {some['side']} pixels, k = "
            f"{some['window']}, S = {some['samples']}, and one class is explained."
        ),
    )


def _draw_panel(axes: Axes, axis: str, parts: Parts) -> None:
    axes.set(xscale="log", yscale="log", xlabel=AXES[axis])
    values: set[int] = set()
    markers = iter(_MARKERS * len(parts))
    for part in parts:
        points = [p for p in part["result"]["points"] if p["axis"] == axis]
        values |= {point["value"] for point in points}
        for case in points[0]["seconds_per_map"] if points else ():
            axes.plot(
                [point["value"] for point in points],
                np.array([p["seconds_per_map"][case] for p in points], dtype=float),
                color=_COLOURS.get(case, style.BASELINE),
                marker=next(markers),
                linestyle="-" if part["device"] == "cpu" else "--",
                markersize=3.5,
                linewidth=1.2,
                label=f"{NAMES[case]}, {part['device']}",
            )
    axes.set_xticks(sorted(values), labels=[str(v) for v in sorted(values)])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: style.number(y, 1)))
    axes.yaxis.set_minor_locator(NullLocator())


def _maps(settings: BenchmarkSettings, parts: Parts) -> Plot:
    """One network in a row: its image and the map of each case, on the scale of the first map."""
    parts = [*of_kind(parts, "maps"), *of_kind(parts, "map")]
    columns = 1 + max((len(part["result"]["cases"]) for part in parts), default=1)
    rows = max(len(parts), 1)
    figure = Figure(figsize=(1.7 * columns, 2.2 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    numbers = {
        part["part"]: _draw_maps(row, part, settings)
        for row, part in zip(panels, parts, strict=False)
    }
    random = {p["network"] for p in parts if settings.networks[p["network"]].weights is None}
    weights = f" The weights of {', '.join(sorted(random))} are random." if random else ""
    return (
        figure,
        numbers,
        (
            f"Weight of evidence of the predicted class, k = {settings.window}, "
            f"l = {settings.patch}, S = {settings.samples}, the same draws for all maps of a row, "
            "which share one scale, from against (blue) to for (red). Below each map: the limit of "
            "the colours, the seconds that it took, and how far it is from the first map of its "
            f"row at most.{weights}"
        ),
    )


def _draw_maps(row: np.ndarray, part: Mapping[str, Any], settings: BenchmarkSettings) -> Any:
    """Returns the numbers drawn for each case."""
    result, side = part["result"], settings.networks[part["network"]].side
    grid = WindowGrid((side, side), settings.window, result["stride"])
    row[0].imshow(style.picture(natural_image(settings.seed, side)))
    row[0].set_title(f"{part['network']}, {part['device']},\nstride {result['stride']}", size=_TEXT)
    maps: dict[str, np.ndarray] = {}
    limit = 1.0
    for axes, (case, found) in zip(row[1:], result["cases"].items(), strict=False):
        axes.set_title(NAMES[case], size=_TEXT)
        if found["refused"]:
            axes.text(0, 0.5, style.wrap(found["refused"], 26, 8), size=6.5)
            continue
        maps[case] = grid.average(np.array(found["window_score"]))
        first = next(iter(maps.values()))
        limit = style.largest([first]) or 1.0
        under = f"±{style.number(limit)} bit, {style.number(found['seconds'])} s"
        if maps[case] is not first:
            away = style.largest([maps[case] - first])
            under += f"\nlargest difference {style.number(away)} bit"
        under += "\nwent on in float32" if found["went_on_in_float32"] else ""
        axes.imshow(maps[case], cmap=style.SIGNED, norm=style.symmetric(limit))
        axes.text(0, -0.04, under, size=6, va="top", transform=axes.transAxes)
    return {case: {"limit": limit, "relevance": rounded(one)} for case, one in maps.items()}


_PLOTS: Mapping[str, Callable[[BenchmarkSettings, Parts], Plot]] = {
    "speed": _speed,
    "ablation": _ablation,
    "scaling": _scaling,
    "maps": _maps,
}
