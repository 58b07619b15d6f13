"""The three files of a figure."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prediction_difference.figures import style
from prediction_difference.figures.canvas import Canvas, show
from prediction_difference.figures.drawing import Drawing, rounded, save


@pytest.fixture
def drawing() -> Drawing:
    with style.context():
        canvas = Canvas.empty(2, 1)
        canvas.text(0.1, 0.1, "costs $5 and $6")
        pixels = np.arange(6.0).reshape(2, 3)
        show(canvas.panel(0.5, 0.3, 1, 0.6), pixels, style.SIGNED, style.symmetric(5))
    numbers = {"relevance": rounded(pixels), "error": rounded(np.nan)}
    return Drawing(canvas.figure, numbers, "What it shows.", "heatmaps", "A title")


def files(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "f.png", folder / "f.pdf", folder / "f.json"


def test_numbers_keep_six_digits_and_the_unknown_is_none() -> None:
    values = np.array([[1 / 3, 1234567.0], [np.nan, -np.inf]])
    assert rounded(values) == [[0.333333, 1234570.0], [None, None]]
    assert rounded(None) is None


def test_a_figure_is_saved_as_picture_vectors_and_numbers(drawing: Drawing, tmp_path: Path) -> None:
    png, pdf, numbers = files(tmp_path / "new folder")
    save(drawing, png, pdf, numbers)
    with Image.open(png) as picture:
        assert picture.size == (300, 150)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert json.loads(numbers.read_text()) == {
        "figure": "heatmaps",
        "title": "A title",
        "caption": "What it shows.",
        "numbers": {"relevance": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], "error": None},
    }
    assert sorted(p.name for p in png.parent.iterdir()) == [
        *("f.json", "f.pdf", "f.png"),
        "f.sha256",
    ]


def test_the_same_figure_gives_the_same_bytes(drawing: Drawing, tmp_path: Path) -> None:
    first, second = files(tmp_path / "first"), files(tmp_path / "second")
    save(drawing, *first)
    save(drawing, *second)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert b"CreationDate" not in first[1].read_bytes()


def test_nan_among_the_numbers_is_refused(drawing: Drawing, tmp_path: Path) -> None:
    broken = Drawing(drawing.figure, {"value": float("nan")}, "")
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(broken, *files(tmp_path))
    assert not (tmp_path / "f.json").exists()
