"""Arrows and changes are those of the table."""

import numpy as np
import pandas
import pytest

from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.evaluation.continuity import grid, largest_change
from prediction_difference.figures.continuity_arrows import continuity_arrows
from prediction_difference.figures.drawing import Drawing, rounded

STEPS = (4, 8, 16)


def vectors(name: str, steps: int) -> np.ndarray:
    """The gradient of max(x1, x2), or what is continuous."""
    points = grid(steps)
    if name == "smooth":
        return points
    is_first = points[..., :1] > points[..., 1:]
    return np.concatenate([is_first, ~is_first], axis=-1).astype(np.float64)


@pytest.fixture
def drawing() -> Drawing:
    frames = []
    for name in ("gradient", "smooth"):
        for steps in STEPS:
            found = vectors(name, steps)
            columns = {"explanation": name, "method": "sensitivity", "steps": steps}
            columns |= {"r1": found[..., 0].ravel(), "r2": found[..., 1].ravel()}
            frames.append(pandas.DataFrame(columns))
    table = pandas.concat(frames, ignore_index=True)
    settings = Sensitivity(method="sensitivity", classifier="c", images=("a",))
    table.attrs = {
        "evaluation": "jumps",
        "settings": {"steps": list(STEPS), "function": "maximum"},
        "explanations": dict.fromkeys(("gradient", "smooth"), settings.model_dump()),
    }
    return continuity_arrows(table)


def test_arrows_are_those_of_the_first_grid(drawing: Drawing) -> None:
    assert drawing.numbers["points"] == rounded(grid(4))
    for axes, entry in zip(drawing.figure.axes, drawing.numbers["methods"], strict=False):
        expected = vectors(entry["explanation"], 4)
        assert entry["vectors"] == rounded(expected)
        (arrows,) = [one for one in axes.collections if hasattr(one, "U")]
        np.testing.assert_allclose(np.stack([arrows.U, arrows.V], -1), expected.reshape(-1, 2))


def test_lines_are_largest_changes(drawing: Drawing) -> None:
    *_, axes = drawing.figure.axes
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    for entry in drawing.numbers["methods"]:
        name = entry["explanation"]
        expected = [largest_change(vectors(name, steps)) for steps in STEPS]
        np.testing.assert_allclose(lines[name].get_ydata(), expected)
        assert [one["change"] for one in entry["largest_change"]] == rounded(expected)
    assert expected[-1] < expected[0] / 3


def test_the_caption_tells_function_grid_and_methods(drawing: Drawing) -> None:
    for words in ("max(x₁, x₂)", "at 4 × 4 points", "gradient: sensitivity, Euclidean", "jumps"):  # noqa: RUF001
        assert words in drawing.caption
