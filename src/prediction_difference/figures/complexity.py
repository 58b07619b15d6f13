"""How large heatmaps are as files, one method against others, and how much they vary."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prediction_difference.errors import StoreError
from prediction_difference.figures import captions, style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import Drawing, rounded

_SIDE, _LEFT, _RIGHT, _TOP, _UNDER = 2.5, 0.65, 0.25, 0.35, 0.5  # inches
_LEGEND_LINE, _BOX, _NAMES = 0.2, 0.26, 1.9
_KILOBYTE = 1000.0
_FILES = {"png_bytes": "PNG", "jpeg_bytes": "JPEG"}


def complexity(table: Any, explanation: str, others: Sequence[str]) -> Drawing:
    """Sizes of each image's heatmaps as PNG and JPEG against those by `explanation`; entropies.

    table: a row per explanation and image, with attributes. others: against which; none: all.

    Raises:
        StoreError: the table lacks an explanation.
    """
    groups = table.groupby("explanation")
    by_explanation = {str(name): part.set_index("image") for name, part in groups}
    chosen = list(others) or [name for name in by_explanation if name != explanation]
    missing = [name for name in (explanation, *chosen) if name not in by_explanation]
    if missing:
        remedy = f"it has {', '.join(by_explanation)}; correct the figure"
        where = f"evaluation {table.attrs['evaluation']}"
        raise StoreError(where, f"did not measure {', '.join(missing)}", remedy)
    looks = {name: style.METHODS[n % len(style.METHODS)] for n, name in enumerate(chosen)}
    boxes = [explanation, *chosen]
    boxes_height = len(boxes) * _BOX
    scatters_height = _TOP + _SIDE + _UNDER + len(chosen) * _LEGEND_LINE + 0.1
    canvas = Canvas.empty(
        2 * (_LEFT + _SIDE + _RIGHT), scatters_height + _TOP + boxes_height + _UNDER
    )
    for number, (column, kind) in enumerate(_FILES.items()):
        left = number * (_LEFT + _SIDE + _RIGHT) + _LEFT
        _scatter(canvas, left, column, kind, by_explanation, explanation, looks)
    _boxes(canvas, scatters_height, boxes, by_explanation, looks)
    return Drawing(
        canvas.figure,
        {name: _numbers(by_explanation[name]) for name in boxes},
        _caption(table.attrs, explanation, by_explanation, chosen),
    )


def _scatter(
    canvas: Canvas,
    left: float,
    column: str,
    kind: str,
    tables: Mapping[str, Any],
    explanation: str,
    looks: Mapping[str, str],
) -> None:
    axes = canvas.axes(left, _TOP, _SIDE, _SIDE)
    canvas.text(left, 0.24, f"{kind}, kB", weight="bold", stands_on=True)
    own = tables[explanation][column]
    largest = max(tables[name][column].max() for name in (explanation, *looks)) / _KILOBYTE
    axes.plot([0, 1.05 * largest], [0, 1.05 * largest], color=style.FRAME, linewidth=0.8, zorder=0)
    for name, colour in looks.items():
        other = tables[name][column].reindex(own.index)
        share = float((own < other).mean())
        axes.scatter(
            other / _KILOBYTE,
            own / _KILOBYTE,
            s=9,
            color=colour,
            alpha=0.7,
            linewidth=0,
            label=f"{style.wrap(name, 24, 1)}: {share:.0%} larger",
        )
    axes.set(xlim=(0, 1.05 * largest), ylim=(0, 1.05 * largest))
    axes.set_xlabel("the other method")
    axes.set_ylabel(style.wrap(explanation, 36, 1))
    drop = -(_UNDER - 0.05) / _SIDE
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, drop), borderaxespad=0, fontsize=8)


def _boxes(
    canvas: Canvas,
    top: float,
    names: Sequence[str],
    tables: Mapping[str, Any],
    looks: Mapping[str, str],
) -> None:
    width = canvas.width - _NAMES - _RIGHT
    axes = canvas.axes(_NAMES, top + _TOP, width, len(names) * _BOX)
    canvas.text(_NAMES, top + 0.24, "entropy, bits", weight="bold", stands_on=True)
    for row, name in enumerate(names):
        colour = looks.get(name, style.INK)
        axes.boxplot(
            tables[name]["entropy"].to_numpy(),
            positions=[row],
            widths=0.6,
            orientation="horizontal",
            manage_ticks=False,
            flierprops={"marker": ".", "markersize": 3, "markeredgecolor": colour},
            medianprops={"color": colour, "linewidth": 1.6},
            boxprops={"color": colour},
            whiskerprops={"color": colour},
            capprops={"color": colour},
        )
        text = style.fit(name, _NAMES - 0.25, 8, 1)
        canvas.text(
            _NAMES - 0.12, top + _TOP + (row + 0.62) * _BOX, text, align="right", stands_on=True
        )
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xlabel("entropy of the 256 grey levels, bits")


def _numbers(table: Any) -> dict[str, Any]:
    columns = ("png_bytes", "jpeg_bytes", "entropy")
    values = {column: rounded(table[column].to_numpy(np.float64)) for column in columns}
    return {"images": [str(image) for image in table.index], **values}


def _caption(
    measured: Mapping[str, Any], explanation: str, tables: Mapping[str, Any], others: Sequence[str]
) -> str:
    images = len(tables[explanation])
    return captions.paragraphs(
        [
            f"Complexity of the heatmaps of {captions.images(images, measured)} for "
            f"classifier {measured['classifier']}, evaluation {measured['evaluation']}.",
            captions.not_known(measured),
            f"Above: size of each image's heatmap by {explanation} against that by "
            f"{', '.join(others)}, as PNG and as JPEG of quality 75; the legend says for how many "
            "images the other one is larger.",
            "Heatmaps are written in 256 grey levels, linear, the largest absolute value white; "
            "with signs, zero is the middle grey, and without, black. So maps with signs have "
            "steps twice as wide, which takes up to one bit off their entropy.",
            "Below: entropy of the grey levels; boxes are quartiles, whiskers reach to the "
            "outermost image within 1.5 times their distance.",
            f"Seed {measured['seed']}.",
        ]
    )
