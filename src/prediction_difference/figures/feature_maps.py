"""All feature maps of layers, each as a small heatmap [zintgraf2017, Fig. 5]."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from matplotlib.colors import Normalize

from prediction_difference.figures import captions, labels, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.drawing import Drawing, rounded, squares
from prediction_difference.figures.labels import Label
from prediction_difference.figures.maps import Map

BESIDE = labels.WIDTH  # inches, for the image and what is said of it
GRID, SMALLEST, LARGEST = 4.8, 0.24, 0.9  # inches, of a layer's grid and of a panel's longer side
GAP = 0.5
MARGIN = 0.12
HEADER, FOOT = 0.44, 0.22
BAR_WIDTH, BARS = 1.0, 0.55
SQUARES_PER_INCH = 100
"""Fineness of the panels: pixels beyond it are averaged."""


@dataclass(frozen=True)
class _Layer:
    """A layer's maps of one image; shared: whether they have one limit."""

    maps: Sequence[Map]
    is_shared: bool

    @property
    def name(self) -> str:
        """Of the layer."""
        return str(self.maps[0].node["layer"])

    @property
    def columns(self) -> int:
        """Panels in a row."""
        return int(np.ceil(np.sqrt(len(self.maps))))

    @property
    def rows(self) -> int:
        """Rows of panels."""
        return -(-len(self.maps) // self.columns)

    @property
    def panel(self) -> tuple[float, float]:
        """Width and height of a panel in inches."""
        rows, columns = self.maps[0].relevance.shape
        longer = float(np.clip(GRID / self.columns, SMALLEST, LARGEST))
        return longer * columns / max(rows, columns), longer * rows / max(rows, columns)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the grid in inches."""
        width, height = self.panel
        return self.columns * width, self.rows * height

    @property
    def square(self) -> int:
        """Side, in pixels, of the squares over which relevance is averaged."""
        longest = max(self.maps[0].relevance.shape)
        return int(np.ceil(longest / (max(self.panel) * SQUARES_PER_INCH)))

    @cached_property
    def values(self) -> np.ndarray:
        """(maps, y, x) means over squares, in the maps' unit."""
        return np.stack([squares(one.relevance, self.square) for one in self.maps])

    @cached_property
    def limits(self) -> np.ndarray:
        """(maps,) values at full colour, the largest absolute ones."""
        largest = np.abs(self.values).max((1, 2))
        return np.full_like(largest, largest.max()) if self.is_shared else largest

    @cached_property
    def shares(self) -> np.ndarray:
        """(maps, y, x) values as shares of their limits, 0 where all are 0."""
        limits = self.limits[:, None, None]
        return np.divide(self.values, limits, out=np.zeros_like(self.values), where=limits > 0)

    @property
    def mosaic(self) -> np.ndarray:
        """Shares of all maps in their places, NaN where there is no map."""
        count, height, width = self.shares.shape
        places = np.full((self.rows * self.columns, height, width), np.nan)
        places[:count] = self.shares
        grid = places.reshape(self.rows, self.columns, height, width)
        return grid.swapaxes(1, 2).reshape(self.rows * height, self.columns * width)

    @property
    def range_in_words(self) -> str:
        """The limits with their unit, and how many maps are zero everywhere."""
        unit, limits = self.maps[0].unit, self.limits
        positive = limits[limits > 0]
        words = f"limit ±{style.number(limits.max())} {unit}"
        if not self.is_shared and positive.size:
            low, high = style.number(positive.min()), style.number(positive.max())
            words = f"limits ±{low} to ±{high} {unit}"
        empty = int((self.values == 0).all((1, 2)).sum())
        return f"{words}; {empty} of {len(self.maps)} maps are zero" if empty else words

    @property
    def numbers(self) -> dict[str, Any]:
        """What is drawn and what is known of every map, JSON-like."""
        return {
            "layer": self.name,
            "unit": self.maps[0].unit,
            "square": self.square,
            "maps": [
                {
                    "map": one.node["unit"],
                    "value": rounded(one.node["value"]),
                    "limit": rounded(limit),
                    "smallest": rounded(one.relevance.min()),
                    "largest": rounded(one.relevance.max()),
                    "mean": rounded(one.relevance.mean(dtype=np.float64)),
                    "largest_standard_error": rounded(one.largest_error),
                    "percent_of_limit": np.rint(100 * shares).astype(int).tolist(),
                }
                for one, limit, shares in zip(self.maps, self.limits, self.shares, strict=True)
            ],
        }


def feature_maps(layers: Sequence[Sequence[Map]], shared_by: Literal["map", "layer"]) -> Drawing:
    """Grids of the maps (y, x) of several layers beside each other, and their image.

    layers: maps of one image. shared_by: whether maps of a layer have one limit or each its own.
    """
    drawn = [_Layer(maps, shared_by == "layer") for maps in layers]
    some = layers[0][0]
    label = Label(some.image_name, [some.label_line, some.predicted_line], some.is_misclassified)
    tallest = HEADER + max(layer.size[1] for layer in drawn) + FOOT
    beside = _image_height(some) + 0.1 + label.height + BARS
    left = MARGIN + BESIDE + GAP
    width = left + sum(_width(layer) + GAP for layer in drawn) - GAP + MARGIN
    canvas = Canvas.empty(width, MARGIN + max(tallest, beside) + MARGIN)
    _draw_image(canvas, some, label)
    for layer in drawn:
        _draw_layer(canvas, layer, left)
        left += _width(layer) + GAP
    numbers = {**_about(some), "layers": [layer.numbers for layer in drawn]}
    return Drawing(canvas.figure, numbers, _caption(drawn))


def _width(layer: _Layer) -> float:
    """Of a grid, or of the words above it where they are wider."""
    return max(layer.size[0], 1.5)


def _image_height(one: Map) -> float:
    rows, columns = one.image.shape[1:]
    return (BESIDE - 0.1) * float(rows) / float(columns)


def _about(one: Map) -> dict[str, Any]:
    known = one.facts
    return {key: known[key] for key in ("slot", "image", "label", "predicted", "misclassified")}


def _draw_image(canvas: Canvas, one: Map, label: Label) -> None:
    height = _image_height(one)
    show(canvas.panel(MARGIN, MARGIN, BESIDE - 0.1, height), style.picture(one.image), None, None)
    top = MARGIN + height + 0.1
    label.draw(canvas, MARGIN, top)
    canvas.colour_bar(
        MARGIN + (BESIDE - BAR_WIDTH) / 2,
        top + label.height + 0.1,
        BAR_WIDTH,
        colours=style.SIGNED,
        scale=Normalize(-1, 1),
        ticks={-1.0: f"{style.MINUS}limit", 0.0: "0", 1.0: "+limit"},
        title="lowers (blue), raises (red)",
    )


def _draw_layer(canvas: Canvas, layer: _Layer, left: float) -> None:
    name = style.fit(layer.name, _width(layer), 8.5, 1, "bold")
    canvas.text(left, MARGIN, name, size=8.5, weight="bold")
    words = f"{len(layer.maps):,} maps, counted by rows"
    canvas.text(left, MARGIN + 0.18, words, size=6.5, colour=style.FAINT_INK)
    top, (width, height) = MARGIN + HEADER, layer.size
    axes = canvas.panel(left, top, width, height)
    axes.set_gid(layer.name)
    show(axes, layer.mosaic, style.SIGNED, Normalize(-1, 1))
    rows, columns = layer.values.shape[1:]
    for column in range(1, layer.columns):
        axes.axvline(column * columns - 0.5, color=style.FRAME, linewidth=0.4)
    for row in range(1, layer.rows):
        axes.axhline(row * rows - 0.5, color=style.FRAME, linewidth=0.4)
    _draw_counts(canvas, layer, left, top)
    foot = style.fit(layer.range_in_words, _width(layer), 6.5, 2)
    canvas.text(left, top + height + 0.05, foot, size=6.5, colour=style.FAINT_INK)


def _draw_counts(canvas: Canvas, layer: _Layer, left: float, top: float) -> None:
    """The number of the first map of each row."""
    for row in range(layer.rows):
        middle = top + (row + 0.5) * layer.panel[1]
        number = str(layer.maps[row * layer.columns].node["unit"])
        canvas.text(
            left - 0.04,
            middle + 0.03,
            number,
            size=5,
            colour=style.FAINT_INK,
            align="right",
            stands_on=True,
        )


def _caption(layers: Sequence[_Layer]) -> str:
    maps = [one for layer in layers for one in layer.maps]
    scale = "all maps of a layer share" if layers[0].is_shared else "each map has"
    colours = [
        f"{captions.signs(maps)}; {scale} one scale from {style.MINUS}limit to +limit, the largest "
        "absolute value that is drawn.",
        "A feature map's value is the mean over its places.",
        captions.grids(maps),
        _squares_in_words(layers),
        captions.uncertainty(maps),
        captions.seeds(maps),
    ]
    methods = [[captions.method(group)] for group in captions.by_explanation(maps)]
    return captions.paragraphs([captions.subject(maps)], *methods, colours)


def _squares_in_words(layers: Sequence[_Layer]) -> str:
    sides = [f"{layer.square} x {layer.square} for {layer.name}" for layer in layers]
    return (
        f"Drawn are means over squares of pixels ({', '.join(sides)}); the numbers beside the "
        "figure are these in percent of the limit, and extremes and means of the full maps."
    )
