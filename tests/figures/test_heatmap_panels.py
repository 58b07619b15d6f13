"""Heatmaps beside each other can be compared, and are what the numbers say."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text

from prediction_difference.figures import style
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.heatmap_panels import Row, colour_limits, heatmap_panels
from prediction_difference.figures.maps import Map

MapMaker = Callable[..., Map]


@pytest.fixture
def rows(make_map: MapMaker, generator: np.random.Generator) -> list[Row]:
    """Two images of 8 x 6 pixels, three explanations."""
    return [
        [
            make_map(size * generator.normal(size=(8, 6)), slot, "conditional"),
            make_map(3 * size * generator.normal(size=(8, 6)), slot, "marginal"),
            make_map(generator.random((8, 6)), slot, "gradient", "sensitivity"),
        ]
        for slot, size in (("correct-1", 1.0), ("misclassified-1", 20.0))
    ]


def pictures(figure: Figure) -> dict[str, AxesImage]:
    """Heatmaps of a figure by slot/explanation."""
    return {str(a.get_gid()): a.get_images()[0] for a in figure.axes if a.get_gid() is not None}


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_signed_maps_of_a_row_share_one_symmetric_limit(rows: list[Row]) -> None:
    for row in rows:
        limits = colour_limits(row)
        largest = max(np.abs(one.relevance).max() for one in row[:2])
        assert limits == [largest, largest, row[2].relevance.max()]
        drawn = pictures(heatmap_panels([row], [limits]).figure)
        for one, limit in zip(row[:2], limits, strict=False):
            assert drawn[f"{one.slot}/{one.explanation}"].get_clim() == (-limit, limit)
        assert drawn[f"{row[2].slot}/gradient"].get_clim() == (0, limits[2])


def test_signed_maps_of_different_units_do_not_share_a_limit(make_map: MapMaker) -> None:
    bits, scores = make_map(np.full((2, 2), 3.0)), make_map(np.full((2, 2), -9.0))
    scores = dataclasses.replace(scores, unit="activation")
    assert colour_limits([bits, scores]) == [3.0, 9.0]


def test_what_is_drawn_is_what_the_numbers_say(rows: list[Row]) -> None:
    drawing = heatmap_panels(rows, [colour_limits(row) for row in rows])
    drawn = pictures(drawing.figure)
    assert len(drawn) == 6
    for row, numbers in zip(rows, drawing.numbers["rows"], strict=True):
        for one, entry in zip(row, numbers, strict=True):
            array = drawn[f"{one.slot}/{one.explanation}"].get_array()
            np.testing.assert_array_equal(array, one.relevance)
            assert entry["relevance"] == rounded(one.relevance)
            assert (entry["image"], entry["unit"]) == (one.image_name, one.unit)


def test_limits_are_printed_in_their_unit(rows: list[Row]) -> None:
    drawing = heatmap_panels(rows[:1], [[7.37, 7.37, 0.5]])
    assert words(drawing.figure).count("±7.37 bits") == 2
    assert "0 to 0.500" in words(drawing.figure)


def test_misclassified_images_are_marked_in_words(make_map: MapMaker) -> None:
    zeros = np.zeros((4, 4))
    right, unknown = make_map(zeros), make_map(zeros, label=None)
    for one in (right, unknown):
        assert "misclassified" not in words(heatmap_panels([[one]], [[0.0]]).figure)
    wrong = make_map(zeros, label="dog")
    said = words(heatmap_panels([[wrong]], [[0.0]]).figure)
    assert "misclassified" in said
    assert "label dog" in said
    assert "predicted cat, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.88" in said


def test_another_explained_class_is_named(make_map: MapMaker) -> None:
    one = make_map(np.zeros((4, 4)), predicted="dog", label="dog", predicted_probability=0.99)
    assert one.label_lines[1:] == [
        "predicted dog, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.99",
        "explained cat, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.88",
    ]


def test_panels_lie_beside_each_other_and_below_each_other(rows: list[Row]) -> None:
    figure = heatmap_panels(rows, [[1.0] * 3] * 2).figure
    boxes = [a.get_position() for a in figure.axes if a.get_gid() is not None]
    assert len({round(box.y0, 6) for box in boxes}) == 2
    assert len({round(box.x0, 6) for box in boxes}) == 3
    width, height = figure.get_size_inches()
    for box in boxes:
        assert box.height * height / (box.width * width) == pytest.approx(8 / 6)


def test_no_text_lies_over_another_or_outside(make_map: MapMaker) -> None:
    """With the longest names that there may be, and rows lower than their labels."""
    long = {"label": "sulphur-crested cockatoo, Kakatoe galerita", "predicted": "white wolf" * 4}
    row = [
        make_map(np.zeros((4, 12)), "s" * 90, "x" * 80, method, **long)
        for method in ("prediction-difference", "sensitivity", "random")
    ]
    with style.context():
        figure = heatmap_panels([row, row], [[1.0] * 3] * 2).figure
        texts = [text for text in figure.texts if text.get_text()]
        boxes = [text.get_window_extent() for text in texts]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, texts[number]
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, texts[number]
        for other in boxes[:number]:
            shared = (min(box.x1, other.x1) - max(box.x0, other.x0)) > 1
            assert not (shared and min(box.y1, other.y1) - max(box.y0, other.y0) > 1)


def test_the_caption_tells_every_parameter(rows: list[Row]) -> None:
    caption = heatmap_panels(rows, [[1.0] * 3] * 2).caption
    expected = [
        "2 held-out images of dataset animals",
        "classifier net",
        "conditional sampling from prior patches",
        "k = 3, stride 1, S = 10",
        "360 forward passes an image",
        "probability of predicted, in bits",
        "gradient: sensitivity",
        "red is evidence for the explained class, blue is evidence against it, white is zero",
        "standard error of a pixel, from the finite number of draws: 0.250 bits",
        "Seed 7.",
    ]
    for words_expected in expected:
        assert words_expected in caption
