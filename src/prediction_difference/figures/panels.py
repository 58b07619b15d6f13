"""One picture of a figure, and the panels that belong to one image."""

import dataclasses
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from prediction_difference.figures import style
from prediction_difference.figures.canvas import show
from prediction_difference.figures.drawing import rounded, squares
from prediction_difference.figures.labels import Label
from prediction_difference.figures.maps import Map

Limits = Literal["map", "row", "image", "figure"]


@dataclass(frozen=True)
class Panel:
    """A picture of a map (y, x): its image, its relevance, one over the other, or a mask.

    limit: relevance at full colour, in the map's unit. top: share of the pixels in a mask.
    """

    map: Map
    show: Literal["image", "heatmap", "overlay", "mask"] = "heatmap"
    limit: float = 0.0
    top: float = 0.05

    @property
    def has_colours(self) -> bool:
        """Whether a scale of colours says what is shown."""
        return self.show in ("heatmap", "overlay")

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        rows, columns = self.map.image.shape[1:]
        return int(rows), int(columns)

    @cached_property
    def mask(self) -> np.ndarray:
        """(y, x) bool, the `top` share of the pixels; see `largest_pixels`."""
        return largest_pixels(self.map.relevance, self.top)

    def draw(self, axes: Axes) -> None:
        """Fill the axes."""
        if self.show == "heatmap":
            show(axes, self.map.relevance, *style.colours_of(self.limit, self.map.is_signed))
        else:
            show(axes, self._picture, None, None)

    @property
    def _picture(self) -> np.ndarray:
        """(y, x, 3) colours."""
        if self.show == "image":
            return style.picture(self.map.image)
        if self.show == "mask":
            return np.repeat(np.where(self.mask, 0.0, 1.0)[..., None], 3, axis=-1)
        ground = style.grey_picture(self.map.image)
        relevance = enlarged(self.map.relevance, self.sides)
        return style.overlay(ground, relevance, self.limit, is_signed=self.map.is_signed)

    @property
    def range_in_words(self) -> str:
        """The range of the colours, with its unit where it has a short one; or what a mask is."""
        if self.show == "mask":
            return f"{int(self.mask.sum()):,} of {self.mask.size:,} pixels"
        has_unit = self.map.is_signed and self.map.unit != "none"
        unit = f" {self.map.unit}" if has_unit else ""
        sign = "±" if self.map.is_signed else "0 to "
        return f"{sign}{style.number(self.limit)}{unit}"

    def numbers(self, side: int) -> dict[str, Any]:
        """What is drawn, JSON-like, as means over squares of side x side pixels."""
        facts = {**self.map.facts, "show": self.show}
        if self.show == "mask":
            return {**facts, "top": self.top, "mask": rounded(squares(self.mask, side))}
        relevance = rounded(squares(self.map.relevance, side))
        return {**facts, "limit": rounded(self.limit), "relevance": relevance}


@dataclass(frozen=True)
class Block:
    """The panels of one image in rows of equal length, None where a place is empty."""

    rows: Sequence[Sequence[Panel | None]]

    @property
    def places(self) -> list[tuple[dict[str, int], Panel]]:
        """Row and column of every map, and its panel, row by row; images are left out."""
        return [
            ({"row": row, "column": column}, panel)
            for row, panels in enumerate(self.rows)
            for column, panel in enumerate(panels)
            if panel is not None and panel.show != "image"
        ]

    @property
    def maps(self) -> list[Map]:
        """The maps that are shown, row by row."""
        return [panel.map for _, panel in self.places]

    @cached_property
    def is_of_one_class(self) -> bool:
        """Whether all maps explain one class, or one node of a layer, of one classifier."""
        return len({(one.classifier, one.explained) for one in self.maps}) == 1

    @property
    def label(self) -> Label:
        """What is said beside the block."""
        one = self.maps[0]
        if self.is_of_one_class:
            return Label(one.image_name, one.label_lines, one.is_misclassified)
        if len({other.classifier for other in self.maps}) > 1:
            return Label(one.image_name, [one.label_line])
        return Label(one.image_name, [one.label_line, one.predicted_line], one.is_misclassified)

    @property
    def title(self) -> str:
        """The explained class; with several of them the label, or the image's name."""
        one = self.maps[0]
        if self.is_of_one_class and one.is_of_class:
            return one.explained
        return one.label or one.image_name

    @property
    def rank(self) -> str:
        """That of the explained class, in brackets; nothing with several of them."""
        one = self.maps[0]
        return f"({one.node['rank']})" if self.is_of_one_class and one.is_of_class else ""

    @property
    def remark(self) -> str:
        """What is said below the title: another label than the explained class, or the name."""
        one = self.maps[0]
        is_another = self.is_of_one_class and one.is_of_class and one.explained != one.label
        return f"label {one.label}" if one.label and is_another else one.image_name


def share(part: float) -> str:
    """A share of pixels in percent."""
    return f"{100 * part:.3g}%"


def enlarged(values: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """(rows, columns) values -> values of so many pixels, each that of the cell it lies in."""
    if values.shape == sides:
        return values
    rows, columns = (
        np.arange(side) * cells // side for side, cells in zip(sides, values.shape, strict=True)
    )
    return np.asarray(values[np.ix_(rows, columns)])


def largest_pixels(relevance: np.ndarray, share: float) -> np.ndarray:
    """(y, x) relevance -> bool, true for a share of the pixels, those of largest absolute values.

    The number of pixels is rounded, and at least one. Of equal values those that are read first, in
    rows from the top, are taken.
    """
    count = max(1, round(share * relevance.size))
    order = np.argsort(-np.abs(relevance), axis=None, kind="stable")
    mask = np.zeros(relevance.size, dtype=bool)
    mask[order[:count]] = True
    return mask.reshape(relevance.shape)


def with_limits(blocks: Sequence[Block], shared_by: Limits) -> list[Block]:
    """Blocks whose panels have their limits: relevance at full colour.

    Signed maps of one unit share the largest absolute relevance, so they can be compared, within
    what `shared_by` says; any other map has its own.
    """
    largest: dict[Hashable, float] = {}
    for place, panel in _placed(blocks):
        if panel is not None and panel.has_colours:
            scale = _scale(shared_by, place, panel.map)
            largest[scale] = max(largest.get(scale, 0.0), panel.map.largest)

    def limited(panel: Panel | None, *place: int) -> Panel | None:
        if panel is None or not panel.has_colours:
            return panel
        return dataclasses.replace(panel, limit=largest[_scale(shared_by, place, panel.map)])

    return [
        Block(
            [
                [limited(panel, number, row, column) for column, panel in enumerate(panels)]
                for row, panels in enumerate(block.rows)
            ]
        )
        for number, block in enumerate(blocks)
    ]


def _placed(blocks: Sequence[Block]) -> Iterator[tuple[tuple[int, ...], Panel | None]]:
    """Number of the block, row and column of every panel."""
    for number, block in enumerate(blocks):
        for row, panels in enumerate(block.rows):
            for column, panel in enumerate(panels):
                yield (number, row, column), panel


def _scale(shared_by: Limits, place: tuple[int, ...], one: Map) -> Hashable:
    """What the maps of one scale have in common."""
    if not one.is_signed:
        return place
    common = {"map": place, "row": place[:2], "image": place[:1], "figure": ()}[shared_by]
    return common, one.unit
