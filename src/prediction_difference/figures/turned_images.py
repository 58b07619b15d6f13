"""Heatmaps of turned images, and how much they have in common with those of the unturned ones."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from prediction_difference.figures import captions, plots, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import Drawing, rounded, smallest_square, squares

PANEL, GAP = 0.85, 0.06  # inches
LABELS, TOP, BETWEEN = 1.25, 0.35, 0.2
PLOT_WIDTH, PLOT_HEIGHT, UNDER = 2.9, 1.8, 0.5
LEFT, ABOVE_PLOTS, LEGEND_LINE = 0.62, 0.45, 0.2
MOST_VALUES = 500_000
"""Of maps, in the JSON; more of them are averaged over squares."""
_MEASURES = {
    "correlation": "with the unturned image's map",
    "following": "with that map, turned alike",
}


def turned_images(table: Any) -> Drawing:
    """The kept maps of `measure_image_specificity`, and correlations against the angle."""
    kept = table[table["relevance"].notna()]
    names = list(table["explanation"].unique())
    images = list(kept["image"].unique())
    degrees = list(table["degrees"].unique())
    block = (1 + len(names)) * (PANEL + GAP) + BETWEEN
    panels = LABELS + len(degrees) * (PANEL + GAP) + 0.1
    plots_width = 2 * (LEFT + PLOT_WIDTH + 0.2)
    plots_top = (TOP + len(images) * block if images else 0.0) + ABOVE_PLOTS
    height = plots_top + PLOT_HEIGHT + UNDER + len(names) * LEGEND_LINE + 0.1
    canvas = Canvas.empty(max(panels, plots_width), height)
    if images:
        for column, angle in enumerate(degrees):
            middle = LABELS + column * (PANEL + GAP) + PANEL / 2
            canvas.text(middle, TOP - 0.08, f"{angle:g}°", align="center", stands_on=True)
    for number, image in enumerate(images):
        part = kept[kept["image"] == image]
        _draw_image(canvas, TOP + number * block, part, names, table.attrs["shape"])
    for number, (measure, words) in enumerate(_MEASURES.items()):
        left = LEFT + number * (LEFT + PLOT_WIDTH + 0.2)
        axes = canvas.axes(left, plots_top, PLOT_WIDTH, PLOT_HEIGHT)
        _draw_correlations(axes, table, measure, f"correlation {words}")
        if number == 0:
            drop = -(UNDER - 0.05) / PLOT_HEIGHT
            axes.legend(loc="upper left", bbox_to_anchor=(-0.02, drop), fontsize=8, borderaxespad=0)
    return Drawing(canvas.figure, _numbers(table, kept), _caption(table, len(images)))


def _draw_image(
    canvas: Canvas, top: float, part: Any, names: list[str], shape: tuple[int, ...]
) -> None:
    """The turned image, and below it the maps of every explanation."""
    rows = part[part["explanation"] == names[0]]
    pictures = [style.picture(one.reshape(shape)) for one in map(np.asarray, rows["pixels"])]
    label = f"{rows['image_name'].iloc[0]}, explained as {rows['class'].iloc[0]}"
    _draw_row(canvas, top, label, pictures, None)
    for number, name in enumerate(names, 1):
        rows = part[part["explanation"] == name]
        maps = [np.asarray(one).reshape(shape[1:]) for one in rows["relevance"]]
        colours = style.colours_of(style.largest(maps), bool(rows["signed"].iloc[0]))
        _draw_row(canvas, top + number * (PANEL + GAP), name, maps, colours)


def _draw_row(
    canvas: Canvas, top: float, label: str, pixels: list[np.ndarray], colours: Any
) -> None:
    canvas.text(0.1, top + 0.05, style.fit(label, LABELS - 0.2, 8, 3))
    for column, one in enumerate(pixels):
        axes = canvas.panel(LABELS + column * (PANEL + GAP), top, PANEL, PANEL)
        show(axes, one, *(colours or (None, None)))


def _draw_correlations(axes: Axes, table: Any, measure: str, title: str) -> None:
    axes.axhline(0, color=style.FRAME, linewidth=0.6, zorder=0)
    for number, (name, part) in enumerate(table.groupby("explanation", sort=False)):
        look = plots.look(number, part["method"].iloc[0])
        mean, deviation = _spread(part, measure)
        axes.plot(mean.index, mean, label=style.wrap(str(name), 60, 1), clip_on=False, **look)
        low, high = mean - deviation, mean + deviation
        axes.fill_between(mean.index, low, high, color=look["color"], alpha=0.13, linewidth=0)
    axes.set_xticks(sorted(table["degrees"].unique()))
    axes.set_ylim(min(axes.get_ylim()[0], -0.1), 1.05)
    axes.set_xlabel("turned by, degrees")
    axes.set_title(title, fontsize=8, loc="left")
    axes.set_ylabel("correlation")


def _spread(part: Any, measure: str) -> tuple[Any, Any]:
    """Mean and standard deviation over the images, by angle; 0 for a single image."""
    groups = part.groupby("degrees")[measure]
    return groups.mean(), groups.std().fillna(0.0)


def _numbers(table: Any, kept: Any) -> dict[str, Any]:
    curves = []
    for name, part in table.groupby("explanation", sort=False):
        curve: dict[str, Any] = {"explanation": name, "method": part["method"].iloc[0]}
        curve["images"] = part["image"].nunique()
        for measure in _MEASURES:
            mean, deviation = _spread(part, measure)
            curve["degrees"] = rounded(mean.index)
            curve[measure] = rounded(mean)
            curve[f"{measure}_deviation"] = rounded(deviation)
        curves.append(curve)
    shape, side = table.attrs["shape"][1:], _square(table)
    maps = [
        {
            "explanation": row["explanation"],
            "image": row["image_name"],
            "class": row["class"],
            "degrees": rounded(row["degrees"]),
            "score": rounded(row["score"]),
            "relevance": rounded(squares(np.asarray(row["relevance"]).reshape(shape), side)),
        }
        for row in kept.to_dict("records")
    ]
    return {"correlations": curves, "maps": maps, "square": side}


def _square(table: Any) -> int:
    """Side of the squares that the maps in the JSON are averaged over."""
    count = int(table["relevance"].notna().sum()) * int(np.prod(table.attrs["shape"][1:]))
    return smallest_square(count, MOST_VALUES) if count else 1


def _caption(table: Any, shown: int) -> str:
    attributes = table.attrs
    images = captions.images(table["image"].nunique(), attributes)
    words = [with_settings(n, s) for n, s in attributes["explanations"].items()]
    above = (
        f"Above: {captions.count(shown, 'image')} turned counter-clockwise, and the maps of the "
        "class named at the left; the maps of an explanation and image share a scale, and signed "
        "ones are red for the class, blue against it."
    )
    return captions.paragraphs(
        [
            above if shown else "",
            f"Curves: Pearson's correlation over the pixels, mean over {images} of dataset "
            f"{attributes['dataset']}, explained for classifier {attributes['classifier']}; bands: "
            "one standard deviation over the images.",
            captions.not_known(attributes),
            "Left: a method that does not look at the image keeps 1. Right: a method whose map "
            "goes with the image stays high.",
            "Images are interpolated linearly between pixels, and go on beyond their edges with "
            "the values there. The class stays that of the unturned image.",
        ],
        [
            f"{'; '.join(words)}.",
            f"Evaluation {attributes['evaluation']}, seed {attributes['seed']}.",
            captions.squares(_square(table)),
        ],
    )
