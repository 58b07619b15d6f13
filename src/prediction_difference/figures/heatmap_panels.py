"""Images with their heatmaps: a block of panels for each image.

From left to right a page holds what is said of an image (above it where several are side by side),
titles of rows, and blocks; from top to bottom titles of columns, blocks, and what colours mean.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prediction_difference.figures import captions, labels, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing, smallest_square
from prediction_difference.figures.maps import Map
from prediction_difference.figures.panels import Block, Limits, Panel, share

GAP, BLOCK_GAP = 0.14, 0.3  # inches, between panels and between blocks side by side
BETWEEN = 0.15  # inches, below blocks of several rows, in addition
MARGIN = 0.12
HEADING_LINE = 0.15
ROW_TITLE = 0.36
TITLE_LINE, REMARK_LINE = 0.15, 0.15
UNDER_LINE, UNDER_GAP = 0.115, 0.125
BAR_WIDTH, LEGEND_ROOM, LEGENDS = 1.0, 1.75, 0.62
HEADING, TITLE, LEGEND, SMALL = 8.5, 8.0, 7.5, 6.5  # points
MOST_VALUES = 500_000
"""In the numbers beside a figure; where maps have more, they are means over squares of pixels."""


@dataclass(frozen=True)
class Layout:
    """How blocks are arranged.

    row_titles: one for each row of a block, maybe empty. columns: titles of the columns; without
    them names of explanations. across: blocks side by side. size: width of a panel in inches.
    """

    row_titles: Sequence[str] = ("",)
    columns: Sequence[str] = ()
    across: int = 1
    size: float = 1.35

    @property
    def is_beside(self) -> bool:
        """Whether images are described beside their blocks; otherwise above."""
        return self.across == 1


def heatmap_panels(blocks: Sequence[Block], layout: Layout, shared_by: Limits = "row") -> Drawing:
    """One block of panels per image, all with the same numbers of rows and columns.

    shared_by: what shares one limit, as `panels.with_limits` was told.
    """
    page = _Page(blocks, layout)
    canvas = Canvas.empty(page.width, page.foot + LEGENDS + MARGIN)
    page.draw(canvas)
    return Drawing(canvas.figure, _numbers(blocks), _caption(blocks, layout, shared_by))


@dataclass(frozen=True)
class _Strip:
    """Blocks side by side."""

    blocks: Sequence[Block]
    layout: Layout

    def title(self, block: Block) -> str:
        """In lines that fit above a block, with the rank at their end."""
        inches = _block_width(block, self.layout)
        return style.fit(block.title, inches, TITLE, 2, "bold", f" {block.rank}".rstrip())

    def remark(self, block: Block) -> str:
        """On one line that fits below the title."""
        inches = _block_width(block, self.layout)
        return style.fit(block.remark, inches, SMALL, 1)

    @cached_property
    def _title_lines(self) -> int:
        return max(self.title(block).count("\n") + 1 for block in self.blocks)

    @property
    def above(self) -> float:
        """Height of titles, in inches."""
        if self.layout.is_beside:
            return 0.0
        return self._title_lines * TITLE_LINE + REMARK_LINE

    @cached_property
    def rows(self) -> list[tuple[float, float]]:
        """Height of the panels of each row, and of them with what is below."""
        return [self._row(number) for number in range(len(self.layout.row_titles))]

    def _row(self, number: int) -> tuple[float, float]:
        size = self.layout.size
        places = [(block, panel) for block in self.blocks for panel in block.rows[number] if panel]
        tallest = max((_height(panel, size) for _, panel in places), default=size)
        lines = max((_lines(*_under(panel, block, size)) for block, panel in places), default=0)
        return tallest, tallest + lines * UNDER_LINE + UNDER_GAP

    @property
    def height(self) -> float:
        """In inches, with the gap below."""
        apart = BETWEEN if len(self.rows) > 1 else 0.0
        panels = self.above + sum(step for _, step in self.rows) + apart
        if not self.layout.is_beside:
            return panels
        return max(panels, max(block.label.height for block in self.blocks) + GAP)


@dataclass(frozen=True)
class _Legend:
    """What the colours of panels such as this one mean; middle: in inches from the left."""

    panel: Panel
    middle: float


@dataclass(frozen=True)
class _Page:
    """Places of everything, in inches."""

    blocks: Sequence[Block]
    layout: Layout

    @cached_property
    def strips(self) -> list[_Strip]:
        """Rows of blocks."""
        step = self.layout.across
        starts = range(0, len(self.blocks), step)
        return [_Strip(self.blocks[start : start + step], self.layout) for start in starts]

    @property
    def _positions(self) -> int:
        return min(self.layout.across, len(self.blocks))

    @property
    def _side(self) -> float:
        """Where the first block begins."""
        has_titles = any(self.layout.row_titles)
        return MARGIN + labels.WIDTH * self.layout.is_beside + ROW_TITLE * has_titles

    def left(self, position: int, column: int = 0) -> float:
        """Left edge of a column of the block at a position of a strip."""
        block = position * (_block_width(self.blocks[0], self.layout) + BLOCK_GAP)
        return self._side + block + column * (self.layout.size + GAP)

    @cached_property
    def headings(self) -> list[tuple[str, str]]:
        """Titles of the columns in lines that fit, and their methods where these differ."""
        found = [_heading(self.blocks, self.layout, n) for n in range(_columns(self.blocks[0]))]
        methods = [details for _, details in found if details]
        is_one_for_several = len(methods) > 1 and len(set(methods)) == 1
        return [(title, "") for title, _ in found] if is_one_for_several else found

    @property
    def _details(self) -> float:
        return 0.1 + UNDER_LINE * max(_lines(details) for _, details in self.headings)

    @property
    def _header(self) -> float:
        """Where the first strip begins."""
        lines = max(_lines(title) for title, _ in self.headings)
        return MARGIN + lines * HEADING_LINE + self._details

    @property
    def foot(self) -> float:
        """Where legends begin."""
        return self._header + sum(strip.height for strip in self.strips) + 0.08

    @property
    def width(self) -> float:
        last = self.left(self._positions - 1) + _block_width(self.blocks[0], self.layout)
        rightmost = max(legend.middle for legend in self.legends) + LEGEND_ROOM / 2
        return max(last, rightmost) + MARGIN

    @cached_property
    def legends(self) -> list[_Legend]:
        """Centred below the columns of the first block that they belong to, beside each other."""
        legends: list[_Legend] = []
        least = MARGIN + LEGEND_ROOM / 2
        for places in _by_colours(self.blocks[0]):
            columns = [column for column, _ in places]
            edges = self.left(0, min(columns)), self.left(0, max(columns)) + self.layout.size
            legends.append(_Legend(places[0][1], max(sum(edges) / 2, least)))
            least = legends[-1].middle + LEGEND_ROOM
        return legends

    def draw(self, canvas: Canvas) -> None:
        """Draw everything."""
        for position in range(self._positions):
            self._draw_headings(canvas, position)
        top = self._header
        for strip in self.strips:
            self._draw_strip(canvas, strip, top)
            top += strip.height
        for legend in self.legends:
            _draw_legend(canvas, legend, self.foot)

    def _draw_headings(self, canvas: Canvas, position: int) -> None:
        foot = self._header - self._details
        for column, (title, details) in enumerate(self.headings):
            middle = self.left(position, column) + self.layout.size / 2
            canvas.text(
                middle, foot, title, size=HEADING, weight="bold", align="center", stands_on=True
            )
            _draw_faint(canvas, middle, foot + 0.06, details)

    def _draw_strip(self, canvas: Canvas, strip: _Strip, top: float) -> None:
        if self.layout.is_beside:
            strip.blocks[0].label.draw(canvas, MARGIN, top)
        for position, block in enumerate(strip.blocks):
            if not self.layout.is_beside:
                middle = self.left(position) + _block_width(block, self.layout) / 2
                _draw_title(canvas, middle, top, strip.title(block), strip.remark(block))
        panels_top = top + strip.above
        for row, (height, step) in enumerate(strip.rows):
            self._draw_row_title(canvas, self.layout.row_titles[row], panels_top, height)
            for position, block in enumerate(strip.blocks):
                self._draw_row(canvas, block, row, position, panels_top)
            panels_top += step

    def _draw_row_title(self, canvas: Canvas, title: str, top: float, height: float) -> None:
        words = style.fit(title, height, TITLE, 2, "bold")
        left, middle = self._side - ROW_TITLE, top + height / 2
        canvas.text(left, middle, words, size=TITLE, weight="bold", is_upright=True)

    def _draw_row(self, canvas: Canvas, block: Block, row: int, position: int, top: float) -> None:
        size = self.layout.size
        for column, panel in enumerate(block.rows[row]):
            if panel is None:
                continue
            height = _height(panel, size)
            axes = canvas.panel(self.left(position, column), top, size, height)
            panel.draw(axes)
            if panel.show == "image":
                continue
            axes.set_gid(f"{panel.map.slot}/{row}/{column}")
            middle, below = self.left(position, column) + size / 2, top + height + 0.03
            name, faint = _under(panel, block, size)
            canvas.text(middle, below, name, size=SMALL, align="center")
            _draw_faint(canvas, middle, below + UNDER_LINE * _lines(name), faint)


def _columns(block: Block) -> int:
    return len(block.rows[0])


def _block_width(block: Block, layout: Layout) -> float:
    return _columns(block) * (layout.size + GAP) - GAP


def _height(panel: Panel, width: float) -> float:
    rows, columns = panel.sides
    return width * rows / columns


def _lines(*texts: str) -> int:
    return sum(text.count("\n") + 1 for text in texts if text)


def _under(panel: Panel, block: Block, size: float) -> tuple[str, str]:
    """What stands below a map: its node and the node's value where they differ; its range."""
    if panel.show == "image":
        return "", ""
    inches = size + GAP / 2
    faint = style.fit(panel.range_in_words, inches, SMALL, 2)
    if block.is_of_one_class:
        return "", faint
    name = style.fit(panel.map.explained, inches, SMALL, 2)
    return f"{name}\n{panel.map.value_in_words}", faint


def _heading(blocks: Sequence[Block], layout: Layout, column: int) -> tuple[str, str]:
    """Title and method of a column; nothing where its panels have different ones."""
    panels = [p for block in blocks for row in block.rows if (p := row[column]) is not None]
    maps = [panel.map for panel in panels if panel.show != "image"]
    names = {one.explanation for one in maps} or {"image"}
    methods = {captions.short_method(one) for one in maps}
    title = names.pop() if len(names) == 1 else ""
    if layout.columns:
        title = layout.columns[column]
    inches = layout.size + GAP / 2
    details = methods.pop() if len(methods) == 1 else ""
    lines = [style.fit(line, inches, SMALL, 2) for line in details.split("\n")]
    return style.fit(title, inches, HEADING, 2, "bold"), "\n".join(lines).strip()


def _by_colours(block: Block) -> list[list[tuple[int, Panel]]]:
    """Columns and panels that one legend is for, those that begin furthest left first."""
    found: dict[Hashable, list[tuple[int, Panel]]] = {}
    for place, panel in block.places:
        kind = _meaning(panel) if panel.has_colours else None
        found.setdefault(kind, []).append((place["column"], panel))
    return sorted(found.values(), key=lambda places: min(column for column, _ in places))


def _meaning(panel: Panel) -> str:
    """Of the colours of a map."""
    if not panel.map.is_signed:
        return "strength, unsigned"
    return "against (blue), for (red)" if panel.map.is_of_class else "lowers (blue), raises (red)"


def _draw_faint(canvas: Canvas, middle: float, top: float, words: str) -> None:
    canvas.text(middle, top, words, size=SMALL, colour=style.FAINT_INK, align="center")


def _draw_title(canvas: Canvas, middle: float, top: float, title: str, remark: str) -> None:
    canvas.text(middle, top, title, size=TITLE, weight="bold", align="center")
    _draw_faint(canvas, middle, top + TITLE_LINE * _lines(title), remark)


def _draw_legend(canvas: Canvas, legend: _Legend, top: float) -> None:
    panel, middle = legend.panel, legend.middle
    if panel.show == "mask":
        words = f"black: the {share(panel.top)} of the pixels\nwith the largest absolute values"
        canvas.text(middle, top, words, size=LEGEND, align="center")
        return
    is_signed = panel.map.is_signed
    ends = {-1.0: f"{style.MINUS}limit", 0.0: "0", 1.0: "+limit"}
    colours, scale = style.colours_of(1.0, is_signed)
    canvas.colour_bar(
        middle - BAR_WIDTH / 2,
        top,
        BAR_WIDTH,
        colours=colours,
        scale=scale,
        ticks=ends if is_signed else {0.0: "0", 1.0: "largest"},
        title=_meaning(panel),
    )


def _numbers(blocks: Sequence[Block]) -> dict[str, Any]:
    """The maps of each image with their places, row by row."""
    side = _square(blocks)
    return {
        "square": side,
        "rows": [[{**place, **panel.numbers(side)} for place, panel in b.places] for b in blocks],
    }


def _square(blocks: Sequence[Block]) -> int:
    """Side of the squares of pixels that numbers are means over."""
    sizes = [panel.map.relevance.size for block in blocks for _, panel in block.places]
    return smallest_square(sum(sizes), MOST_VALUES)


def _caption(blocks: Sequence[Block], layout: Layout, shared_by: Limits) -> str:
    panels = [panel for block in blocks for _, panel in block.places]
    maps = [panel.map for panel in panels]
    shown = [
        captions.grids(maps),
        _colours_in_words(panels, shared_by),
        _overlays_in_words(panels),
        _masks_in_words(panels),
        _zooms_in_words(maps),
        _places_in_words(blocks, layout),
        captions.uncertainty(maps),
        captions.seeds(maps),
        captions.squares(_square(blocks)),
    ]
    methods = [[captions.method(group)] for group in captions.by_explanation(maps)]
    return captions.paragraphs([captions.subject(maps)], *methods, shown)


def _colours_in_words(panels: Sequence[Panel], shared_by: Limits) -> str:
    coloured = [panel.map for panel in panels if panel.has_colours]
    signed = [one for one in coloured if one.is_signed]
    sentences = []
    if signed:
        sentences.append(f"{captions.signs(signed)}; {_scales_in_words(signed, shared_by)}.")
    if len(signed) < len(coloured):
        sentences.append(
            "Unsigned maps: white is zero, red is the map's own largest value, printed below it."
        )
    return " ".join(sentences)


def _scales_in_words(maps: Sequence[Map], shared_by: Limits) -> str:
    scale = f"scale from {style.MINUS}limit to +limit"
    if shared_by == "map":
        return f"each map has its own {scale}, its largest absolute relevance, printed below it"
    who = {
        "row": "the maps of one row",
        "image": "the maps of one image",
        "figure": "all maps",
    }[shared_by]
    units = " for each unit" if len({one.unit for one in maps}) > 1 else ""
    return (
        f"{who} share one {scale}{units}, the limit being the largest absolute relevance among "
        "them, printed below each map"
    )


def _overlays_in_words(panels: Sequence[Panel]) -> str:
    if not any(panel.show == "overlay" for panel in panels):
        return ""
    which = "Maps" if all(panel.show == "overlay" for panel in panels) else "Some maps"
    return (
        f"{which} lie over the image, grey and lightened: colours multiply, so zero leaves the "
        "image as it is."
    )


def _masks_in_words(panels: Sequence[Panel]) -> str:
    masks = [panel for panel in panels if panel.show == "mask"]
    if not masks:
        return ""
    return (
        f"Masks: black are the {share(masks[0].top)} of the pixels with the largest absolute "
        "relevance; of equal ones those that are read first."
    )


def _zooms_in_words(maps: Sequence[Map]) -> str:
    zooms = {one.zoom for one in maps if one.zoom is not None}
    parts = [
        f"rows {top} to {top + height - 1}, columns {left} to {left + width - 1}"
        for top, left, height, width in sorted(zooms)
    ]
    return f"Parts of images are {'; '.join(parts)}, counted from 0." if parts else ""


def _places_in_words(blocks: Sequence[Block], layout: Layout) -> str:
    sentences = []
    rows = [title for title in layout.row_titles if title]
    if len(rows) > 1:
        sentences.append(f"Rows of an image, from the top: {', '.join(rows)}.")
    if not layout.is_beside:
        is_ranked = all(block.is_of_one_class and block.maps[0].is_of_class for block in blocks)
        above = "the explained class, in brackets its rank by score" if is_ranked else "its label"
        sentences.append(f"Above each image: {above}.")
    if not all(block.is_of_one_class for block in blocks):
        sentences.append("Below each map: what is explained and its value for the image.")
    return " ".join(sentences)
