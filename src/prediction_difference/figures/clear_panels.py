"""CLEAR maps of images, with heatmaps for and against the true class [kumar2017, Figs. 1 to 7].

A row of panels for each image: the image, and for each explanation its heatmap, binary map and
CLEAR map, and what this is made of, as far as they are asked for; below, which colour is which
class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.clear import (
    FULL_FROM,
    ClassMaps,
    ClearMap,
    class_colours,
    class_maps,
    clear,
    for_and_against,
)
from prediction_difference.attribution.reading import open_attribution
from prediction_difference.choices import Palette
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.captions import with_settings
from prediction_difference.figures.drawing import (
    Drawing,
    rounded,
    smallest_square,
    squares,
)
from prediction_difference.figures.maps import OfStore

GAP, BLOCK_GAP, ROW_GAP = 0.06, 0.35, 0.08  # inches
TOP, MARGIN, LABEL, UNDER = 0.5, 0.12, 1.15, 0.3
SWATCH, LEGEND_LINE = 0.14, 0.24
MOST_VALUES = 500_000
"""In the numbers beside a figure; where maps have more, they are means over squares of pixels."""
MOST_CLASSES = 12
"""Of which every one has a colour; of more, those that are seen."""
LEAST_AREA = 0.02
"""Share of the strong pixels that a class has that is seen."""
SHADE = 0.6
"""Brightness of an image under a CLEAR map, so that its colours are seen on white too."""
_TITLES = {
    "heatmap": "heatmap",
    "binary": "binary",
    "classes": "class",
    "response": "response",
    "clear": "CLEAR",
    "overlay": "overlay",
}
_OTHER = np.array([0.5, 0.5, 0.5])
_GREEN = np.array([0.0, 1.0, 0.0])
_FOR, _AGAINST = np.array([0.84, 0.0, 0.0]), np.array([0.0, 0.2, 0.9])


@dataclass(frozen=True)
class Responses(OfStore):
    """What the classes respond to an image.

    image: (C, y, x). some: the maps of its classes, (K, y, x). attributes: of the store.
    """

    image: np.ndarray
    some: ClassMaps
    attributes: Mapping[str, Any]

    @property
    def maps(self) -> np.ndarray:
        """(K, y, x) in the order of `classes`."""
        return self.some.maps

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.some.names

    @property
    def label(self) -> str:
        """Class that the image is said to be of."""
        return str(self.attributes["label"] or "no label")

    @cached_property
    def clear(self) -> ClearMap:
        """The CLEAR map of all classes."""
        return clear(self.maps)

    @property
    def judged(self) -> str | None:
        """Class that is looked at: the label, or the predicted one if the label has no map."""
        return next((name for name in (self.label, self.predicted) if name in self.classes), None)

    @cached_property
    def balance(self) -> np.ndarray:
        """(y, x) for and against the judged class; 0 if there is none."""
        if self.judged is None:
            return np.zeros(self.maps.shape[1:])
        return for_and_against(self.maps, self.classes.index(self.judged))


def read_responses(path: Path) -> Responses:
    """Read the maps of all classes from an attribution store.

    Raises:
        StoreError: it is missing, or its nodes are not several classes of a 2-D image.
    """
    store = open_attribution(path)
    return Responses(store["image"].values, class_maps(store), store.attrs)


@dataclass(frozen=True)
class ClearLayout:
    """What is shown of every image, and how.

    parts: of heatmap, binary, classes, response, clear, overlay. titles: of the explanations, by
    their names. across: images side by side. size: width of a panel in inches. binary_from: share
    of the largest response from which a pixel is in a binary map. full_at: percentile of the
    responses that has full colour in a CLEAR map.
    """

    parts: Sequence[str]
    titles: Mapping[str, str]
    across: int = 2
    size: float = 0.8
    palette: Palette = "hues"
    binary_from: float = 0.1
    full_at: float = 100


def clear_panels(rows: Sequence[Mapping[str, Responses]], layout: ClearLayout) -> Drawing:
    """rows: for each image, its responses by explanation."""
    names = list(rows[0])
    classes = _all_classes([one for row in rows for one in row.values()])
    colours = dict(zip(classes, class_colours(len(classes), layout.palette), strict=True))
    columns = 1 + len(names) * len(layout.parts)
    shape = rows[0][names[0]].image.shape
    height = layout.size * shape[1] / shape[2]
    block = LABEL + columns * (layout.size + GAP)
    across = min(layout.across, len(rows))
    strips = -(-len(rows) // layout.across)
    legend_width = max(MARGIN * 2 + across * (block + BLOCK_GAP) - BLOCK_GAP, 4.0)
    per_line = max(1, int((legend_width - 2 * MARGIN) / _legend_step(classes)))
    lines = -(-len(classes) // per_line)
    foot = TOP + strips * (height + ROW_GAP) + UNDER
    canvas = Canvas.empty(legend_width, foot + lines * LEGEND_LINE + MARGIN)
    for position in range(across):
        _draw_headings(canvas, MARGIN + position * (block + BLOCK_GAP) + LABEL, names, layout)
    for number, row in enumerate(rows):
        strip, position = divmod(number, layout.across)
        left = MARGIN + position * (block + BLOCK_GAP)
        _draw_row(canvas, left, TOP + strip * (height + ROW_GAP), height, row, colours, layout)
    _draw_legend(canvas, foot, per_line, colours)
    return Drawing(canvas.figure, _numbers(rows, layout), _caption(rows, layout))


def _all_classes(responses: Sequence[Responses]) -> list[str]:
    """Every class once, in the order of their numbers, so that no image decides on colours.

    Of very many, those that dominate somewhere, and not faintly.
    """
    named = {n: c for one in responses for n, c in zip(one.some.numbers, one.classes, strict=True)}
    if len(named) > MOST_CLASSES:
        seen = {number for one in responses for number in _seen(one)}
        named = {number: name for number, name in named.items() if number in seen}
    return [named[number] for number in sorted(named)]


def _seen(one: Responses) -> list[int]:
    """Numbers of the classes that respond most in more than a few of the strong pixels."""
    areas = one.clear.areas(len(one.classes), FULL_FROM)
    is_seen = areas > LEAST_AREA * areas.sum()
    return [number for number, there in zip(one.some.numbers, is_seen, strict=True) if there]


def _draw_headings(canvas: Canvas, left: float, names: Sequence[str], layout: ClearLayout) -> None:
    step = layout.size + GAP
    canvas.text(left + layout.size / 2, TOP - 0.07, "image", align="center", stands_on=True)
    for number, name in enumerate(names):
        first = left + (1 + number * len(layout.parts)) * step
        middle = first + (len(layout.parts) * step - GAP) / 2
        if len(names) > 1 or name in layout.titles:
            inches = len(layout.parts) * step + GAP
            title = style.fit(layout.titles.get(name, name), inches, 8, 1, "bold")
            line = TOP - 0.24
            canvas.text(middle, line, title, weight="bold", align="center", stands_on=True)
        for column, part in enumerate(layout.parts):
            place = first + column * step + layout.size / 2
            canvas.text(place, TOP - 0.07, _TITLES[part], size=7.5, align="center", stands_on=True)


def _draw_row(
    canvas: Canvas,
    left: float,
    top: float,
    height: float,
    row: Mapping[str, Responses],
    colours: Mapping[str, np.ndarray],
    layout: ClearLayout,
) -> None:
    first = next(iter(row.values()))
    is_wrong = first.attributes["label"] not in (None, first.predicted)
    label = style.fit(first.label, LABEL - 0.1, 8, 2, "bold")
    canvas.text(left, top + 0.02, label, weight="bold")
    found = style.fit(f"predicted {first.predicted}", LABEL - 0.1, 7.5, 2)
    below = top + 0.04 + 0.15 * (label.count("\n") + 1)
    canvas.text(left, below, found, size=7.5, colour=style.FOR if is_wrong else style.FAINT_INK)
    pictures = [style.picture(first.image)]
    for one in row.values():
        pictures += [picture_of(one, part, colours, layout) for part in layout.parts]
    for column, picture in enumerate(pictures):
        place = left + LABEL + column * (layout.size + GAP)
        show(canvas.panel(place, top, layout.size, height), picture, None, None)


def picture_of(
    one: Responses, part: str, colours: Mapping[str, np.ndarray], layout: ClearLayout
) -> np.ndarray:
    """(y, x, 3) colours in 0 to 1: of a part as `ClearLayout` names them."""
    if part in ("classes", "response", "clear", "overlay"):
        own = np.stack([colours.get(name, _OTHER) for name in one.classes])
        return _clear_picture(one, part, own, layout)
    largest = float(np.abs(one.balance).max()) or 1.0
    share = one.balance / largest
    if part == "binary":
        ground = np.ones((*share.shape, 3))
        ground[share >= layout.binary_from] = _FOR
        ground[share <= -layout.binary_from] = _AGAINST
        return ground
    # Black, red, yellow, white, as hot metal; each third of the scale adds a channel.
    hot = np.stack([(3 * share - n).clip(0, 1) for n in range(3)], -1)
    return np.asarray(hot + share.clip(max=0)[..., None] * -_GREEN)


def _clear_picture(
    one: Responses, part: str, colours: np.ndarray, layout: ClearLayout
) -> np.ndarray:
    """(y, x, 3): the CLEAR map, one of the two maps that it is made of, or it over the image.

    colours: (K, 3), of the image's classes.
    """
    if part == "classes":
        return np.asarray(colours[one.clear.classes] * (one.clear.response > 0)[..., None])
    white, look = np.ones_like(colours), (layout.palette, layout.full_at)
    if part == "response":
        return one.clear.picture(white, full_at=layout.full_at)
    picture = one.clear.picture(colours, *look)
    if part == "clear":
        return picture
    share = one.clear.picture(white, *look)
    grey = np.clip(one.image.mean(0), 0, 1)[..., None]
    return np.asarray(SHADE * grey * (1 - share) + picture)


def _legend_step(classes: Sequence[str]) -> float:
    longest = max(len(name) for name in classes)
    return SWATCH + 0.12 + min(longest, 22) * 0.075 + 0.1


def _draw_legend(
    canvas: Canvas, top: float, per_line: int, colours: Mapping[str, np.ndarray]
) -> None:
    step = _legend_step(list(colours))
    for number, (name, colour) in enumerate(colours.items()):
        line, column = divmod(number, per_line)
        left, at = MARGIN + column * step, top + line * LEGEND_LINE
        axes = canvas.panel(left, at, SWATCH, SWATCH)
        axes.set_facecolor((float(colour[0]), float(colour[1]), float(colour[2])))
        words = style.fit(name, step - SWATCH - 0.1, 8, 1)
        canvas.text(left + SWATCH + 0.06, at + 0.005, words)


def _numbers(rows: Sequence[Mapping[str, Responses]], layout: ClearLayout) -> dict[str, Any]:
    sizes = [one.maps.size for row in rows for one in row.values()]
    side = smallest_square(sum(sizes), MOST_VALUES)
    images = []
    for row in rows:
        for name, one in row.items():
            count = len(one.classes)
            images.append(
                {
                    "slot": one.slot,
                    "image": one.image_name,
                    "label": one.label,
                    "predicted": one.predicted,
                    "explanation": name,
                    "classes": list(one.classes),
                    "areas": one.clear.areas(count).tolist(),
                    "sums": rounded(one.clear.sums(count)),
                    "responses": rounded(squares(one.maps, side)),
                }
            )
    return {"square": side, "parts": list(layout.parts), "images": images}


def _caption(rows: Sequence[Mapping[str, Responses]], layout: ClearLayout) -> str:
    first = next(iter(rows[0].values()))
    full = "the map's largest"
    if layout.full_at < 100:
        full = f"percentile {layout.full_at:g} of the map's responses"
    parts = ["Beside each image its label, and the predicted class, red where it is another one."]
    if "heatmap" in layout.parts:
        parts.append(
            "Heatmap: hot (black, red, yellow, white) where the label's class responds more than "
            "every other one, by its response; green where another one does, by the largest of "
            "theirs; full at the map's largest."
            + _judged_otherwise([one for row in rows for one in row.values()])
        )
    if "binary" in layout.parts:
        parts.append(
            f"Binary: red and blue where these are at least {layout.binary_from:.0%} of the "
            "largest."
        )
    if "clear" in layout.parts:
        parts.append(
            "CLEAR: the colour is that of the class that responds most; "
            + (
                f"black where its response is below {FULL_FROM:.0%} of {full}, since darker "
                "colours could be taken for others."
                if layout.palette == "distinct"
                else f"its brightness is the response, full at {full}; black where no class "
                "responds."
            )
            + _of_few([one for row in rows for one in row.values()])
        )
    if "classes" in layout.parts:
        parts.append("Class: the one that responds most; black where none does.")
    if "response" in layout.parts:
        parts.append(f"Response: of that class, white at {full}.")
    if "overlay" in layout.parts:
        parts.append("Overlay: the CLEAR map over the image, which is shown in darkened grey.")
    words = [with_settings(name, one.attributes["settings"]) for name, one in rows[0].items()]
    seeds = {one.attributes["seed"] for row in rows for one in row.values()}
    return captions.paragraphs(
        [
            f"{captions.images(len(rows), first.attributes)} of dataset "
            f"{first.attributes['dataset']}, explained for classifier "
            f"{first.attributes['classifier']}.",
            captions.not_known(first.attributes),
            *parts,
        ],
        [f"{'; '.join(words)}.", f"Seed {', '.join(map(str, sorted(seeds)))}."],
    )


def _judged_otherwise(responses: Sequence[Responses]) -> str:
    """Of which images the label has no map, as where only the likeliest classes are explained."""
    of_predicted = [one for one in responses if one.judged not in (None, one.label)]
    of_none = [one for one in responses if one.judged is None]
    words = ""
    if of_predicted:
        words += (
            f" {_slots(of_predicted)}: of the predicted class, as the label's is not explained."
        )
    if of_none:
        words += f" {_slots(of_none)}: none, as neither class is explained."
    return words


def _slots(responses: Sequence[Responses]) -> str:
    return ", ".join(dict.fromkeys(one.slot for one in responses))


def _of_few(responses: Sequence[Responses]) -> str:
    named = {number for one in responses for number in one.some.numbers}
    if len(named) <= MOST_CLASSES:
        return ""
    return (
        f" Of the {len(named)} classes, those have a colour that respond most in more than "
        f"{LEAST_AREA:.0%} of an image's pixels with at least {FULL_FROM:.0%} of its largest "
        "response; all others are grey."
    )
