"""What was measured as plots: speed, what optimisations bring, how cost grows, maps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from prediction_difference.benchmark.map_panels import map_panels
from prediction_difference.benchmark.scaling import AXES
from prediction_difference.benchmark.tables import NAMES, by_device, of_kind
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing

_LEFT, _WIDTH, _RIGHT = 2.4, 3.8, 0.75  # inches
_LINE, _HEADING, _TOP, _UNDER = 0.19, 0.26, 0.35, 0.2
_BAR = 0.72  # of a line
_PANEL, _GAP = 1.9, 0.72  # inches, of the plots of cost
_COLUMNS = 3
_COLOURS = {
    "dense": style.METHODS[0],
    "dense-bfloat16": style.METHODS[5],
    "incremental": style.METHODS[1],
    "incremental-bfloat16": style.METHODS[4],
    "captum": style.METHODS[2],
    "monai": style.METHODS[3],
}
_MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class Bar:
    """One bar: its name, colour, median and range, and where it should reach."""

    name: str
    colour: str
    measured: Mapping[str, Any]
    target: float | None = None


@dataclass(frozen=True)
class Group:
    """Bars of one network."""

    title: str
    bars: Sequence[Bar]


def all_plots(everything: Mapping[str, Any]) -> Iterator[Drawing]:
    """Speed, ablation, scaling and maps; one is without content if nothing was measured."""
    settings, parts = everything["settings"], everything["parts"]
    sampling = f"k = {settings['window']}, S = {settings['samples']}, stride 1"
    with style.context():
        yield _bars(
            "speed",
            [_speed_group(settings, p) for p in of_kind(parts, "network")],
            f"Windows a second, {sampling}, with sampling and averaging. Bars: median of "
            f"{settings['rounds']} rounds in which the cases took turns; lines: smallest to "
            "largest. Marks: targets, as multiples of dense in float32. captum and MONAI ran as "
            "many forward passes as the windows need samples.",
        )
        yield _bars(
            "ablation",
            [_ablation_group(p) for p in of_kind(parts, "ablation")],
            f"Windows a second of the incremental engine with some of its options changed, "
            f"{sampling}. Bars: median of {settings['rounds']} rounds; lines: smallest to largest.",
        )
        yield _scaling([*by_device(parts, "scaling")])
        yield map_panels(settings, [*of_kind(parts, "maps"), *of_kind(parts, "map")])


def _speed_group(settings: Mapping[str, Any], part: Mapping[str, Any]) -> Group:
    network, cases = part["network"], part["result"]["cases"]
    targets = settings["networks"][network]["targets"] if part["device"] == "cpu" else {}
    dense = cases.get("dense", {"refused": "not asked for"})
    base = None if dense["refused"] else dense["windows_per_second"]["median"]
    bars = [
        Bar(
            NAMES[case],
            _COLOURS.get(case, style.BASELINE),
            found["windows_per_second"],
            targets[case] * base if base and case in targets else None,
        )
        for case, found in cases.items()
        if not found["refused"]
    ]
    return Group(f"{network}, {part['device']}", bars)


def _ablation_group(part: Mapping[str, Any]) -> Group:
    bars = [
        Bar(name, style.METHODS[1], found["windows_per_second"])
        for name, found in part["result"]["variants"].items()
        if not found["refused"]
    ]
    return Group(f"{part['network']}, {part['device']}", bars)


def _bars(name: str, groups: Sequence[Group], caption: str) -> Drawing:
    heights = [_HEADING + _LINE * len(group.bars) for group in groups]
    canvas = Canvas.empty(_LEFT + _WIDTH + _RIGHT, _TOP + sum(heights) + _UNDER)
    canvas.text(0.1, 0.1, "windows a second", size=9, weight="bold")
    if not groups:
        canvas.text(0.1, _TOP, "nothing was measured")
    tops = [_TOP + sum(heights[:n]) for n in range(len(groups))]
    for top, group in zip(tops, groups, strict=True):
        _draw_group(canvas, top, group)
    numbers = {g.title: {b.name: dict(b.measured) for b in g.bars} for g in groups}
    return Drawing(canvas.figure, numbers, caption, name=name, title=name)


def _draw_group(canvas: Canvas, top: float, group: Group) -> None:
    """Horizontal bars from 0, every network on a scale of its own."""
    canvas.text(0.1, top + 0.06, group.title, weight="bold")
    if not group.bars:
        return
    height = _LINE * len(group.bars)
    axes = canvas.axes(_LEFT, top + _HEADING, _WIDTH, height)
    reach = [max(b.measured["max"], b.target or 0.0) for b in group.bars]
    axes.set_xlim(0, max(reach) or 1.0)
    axes.set_ylim(len(group.bars) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    for place, bar in enumerate(group.bars):
        _draw_bar(axes, place, bar)
        middle = top + _HEADING + _LINE * (place + 0.72)
        canvas.text(_LEFT - 0.08, middle, bar.name, size=7.5, align="right", stands_on=True)
        value = style.number(bar.measured["median"])
        canvas.text(_LEFT + _WIDTH + 0.08, middle, value, size=7.5, stands_on=True)


def _draw_bar(axes: Axes, place: int, bar: Bar) -> None:
    axes.barh(place, bar.measured["median"], height=_BAR, color=bar.colour)
    ends = [bar.measured["min"], bar.measured["max"]]
    axes.plot(ends, [place, place], color=style.INK, linewidth=0.8)
    if bar.target is not None:
        sides = [place - 0.5, place + 0.5]
        axes.plot([bar.target] * 2, sides, color=style.INK, linewidth=1.2, clip_on=False)


def _scaling(devices: Sequence[Sequence[Mapping[str, Any]]]) -> Drawing:
    parts = [part for group in devices for part in group]
    rows = -(-len(AXES) // _COLUMNS)
    legend = 0.2 * sum(len(_cases(part)) for part in parts)
    canvas = Canvas.empty(_COLUMNS * (_PANEL + _GAP) + 0.4, rows * (_PANEL + _GAP) + 0.3 + legend)
    panels = {
        axis: canvas.axes(
            _GAP + 0.1 + (n % _COLUMNS) * (_PANEL + _GAP),
            0.2 + (n // _COLUMNS) * (_PANEL + _GAP),
            _PANEL,
            _PANEL,
        )
        for n, axis in enumerate(AXES)
    }
    limits = _limits(parts)
    for axis, axes in panels.items():
        _draw_panel(axes, axis, parts)
        axes.set_ylim(*limits)
    for axes in list(panels.values())[::_COLUMNS]:
        axes.set_ylabel("seconds for a whole map")
    bottom = panels[list(AXES)[(rows - 1) * _COLUMNS]]
    if bottom.get_legend_handles_labels()[0]:
        bottom.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.24), borderaxespad=0, fontsize=8)
    numbers = {part["part"]: part["result"] for part in parts}
    return Drawing(
        canvas.figure, numbers, _caption_of_scaling(parts), name="scaling", title="scaling"
    )


def _cases(part: Mapping[str, Any]) -> list[str]:
    return list(part["result"]["points"][0]["seconds_per_map"])


def _draw_panel(axes: Axes, axis: str, parts: Sequence[Mapping[str, Any]]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    values: set[int] = set()
    lines = [(part, case) for part in parts for case in _cases(part)]
    for n, (part, case) in enumerate(lines):
        points = [p for p in part["result"]["points"] if p["axis"] == axis]
        known = [(p["value"], p["seconds_per_map"][case]) for p in points]
        known = [(x, y) for x, y in known if y is not None]
        values |= {x for x, _ in known}
        axes.plot(
            [x for x, _ in known],
            [y for _, y in known],
            color=_COLOURS.get(case, style.BASELINE),
            marker=_MARKERS[n % len(_MARKERS)],
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
    axes.set_xlabel(AXES[axis])


def _limits(parts: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Smallest and largest seconds, so that panels can be compared; with some room."""
    seconds = [
        y
        for part in parts
        for point in part["result"]["points"]
        for y in point["seconds_per_map"].values()
        if y is not None
    ]
    return min(seconds, default=1.0) / 1.5, max(seconds, default=1.0) * 1.5


def _caption_of_scaling(parts: Sequence[Mapping[str, Any]]) -> str:
    if not parts:
        return "Nothing was measured."
    some = parts[0]["result"]
    return captions.paragraphs(
        [
            f"Cost of a whole map of {some['network']}, from a share of its windows. One thing is "
            f"varied in each panel; elsewhere the side is {some['side']} pixels, k = "
            f"{some['window']}, S = {some['samples']}, and one class is explained.",
        ]
    )
