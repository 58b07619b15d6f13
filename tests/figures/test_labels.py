"""Names of images stay readable on two short lines."""

import pytest
from matplotlib.figure import Figure

from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.labels import Label


def heading(figure: Figure) -> str:
    return figure.texts[0].get_text()


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("tabby", ["tabby"]),
        ("tabby, tabby cat/val_0001", ["tabby, tabby cat/", "val_0001"]),
        ("ILSVRC2012_val_00012345", ["ILSVRC2012_val_", "00012345"]),
        ("a" * 30, ["a" * 21, "a" * 9]),
        ("a_" + "b" * 40, ["a_" + "b" * 19, "b" * 21]),
        ("x" * 50 + "end", ["…" + "x" * 20, "x" * 18 + "end"]),
    ],
)
def test_names_are_broken_after_a_part_where_both_halves_fit(name: str, lines: list[str]) -> None:
    canvas = Canvas.empty(2, 1)
    Label(name, ["label cat"]).draw(canvas, 0, 0)
    assert heading(canvas.figure).split("\n") == lines
