"""CLEAR maps in figures show what the stores say."""

import colorsys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prediction_difference.attribution.clear import FULL_FROM, ClassMaps, class_colours
from prediction_difference.attribution.methods.deconvolution import Deconvolution
from prediction_difference.figures.clear_panels import (
    ClearLayout,
    Responses,
    clear_panels,
    picture_of,
)

CLASSES = ("cat", "dog", "owl")
COLOURS = dict(zip(CLASSES, class_colours(3), strict=True))
LAYOUT = ClearLayout(("clear",), {}, binary_from=0.2)


@pytest.fixture
def some(generator: Any) -> Responses:
    settings = Deconvolution(
        method="deconvolution", norm="sum", start="response", classifier="c", images=("a",)
    )
    attributes = {
        "label": "dog",
        "predicted": "owl",
        "slot": "random-1",
        "image_name": "test-1",
        "explanation": "e",
        "dataset": "animals",
        "classifier": "net",
        "seed": 3,
        "settings": settings.model_dump(),
    }
    image, maps = generator.random((3, 4, 5)), generator.normal(size=(3, 4, 5))
    return Responses(image, ClassMaps(maps, CLASSES, (0, 1, 2)), attributes)


def test_binary_maps_say_for_and_against(some: Responses) -> None:
    picture = picture_of(some, "binary", COLOURS, LAYOUT)
    others = np.maximum(some.maps[0], some.maps[2]).clip(0)
    own = some.maps[1].clip(0)
    largest = np.maximum(own, others).max()
    for place in np.ndindex(4, 5):
        red, _, blue = picture[place]
        is_for = own[place] >= others[place] and own[place] >= 0.2 * largest
        is_against = others[place] > own[place] and others[place] >= 0.2 * largest
        assert (red > 0.5 > blue) == is_for
        assert (blue > 0.5 > red) == is_against


def test_heatmaps_are_hot_where_the_label_wins_and_green_elsewhere(some: Responses) -> None:
    picture = picture_of(some, "heatmap", COLOURS, LAYOUT)
    wins = some.maps[1] >= np.maximum(some.maps[0], some.maps[2])
    responds = some.maps.max(0) > 0
    assert (picture[wins & responds][:, 0] >= picture[wins & responds][:, 1]).all()
    green = picture[~wins & responds]
    assert (green[:, 1] > 0).all()
    assert (green[:, [0, 2]] == 0).all()


def test_clear_maps_are_those_of_the_equations(some: Responses) -> None:
    picture = picture_of(some, "clear", COLOURS, LAYOUT)
    largest = some.maps.max()
    for place in np.ndindex(4, 5):
        own = some.maps[(slice(None), *place)]
        expected = colorsys.hsv_to_rgb(own.argmax() / 3, 1, max(own.max(), 0) / largest)
        np.testing.assert_allclose(picture[place], expected, atol=1e-9)


def test_class_and_response_make_the_clear_map(some: Responses) -> None:
    """V scales the full colour of a hue: eq. 6 is a product where S = 1."""
    parts = {part: picture_of(some, part, COLOURS, LAYOUT) for part in ("classes", "response")}
    clear = picture_of(some, "clear", COLOURS, LAYOUT)
    np.testing.assert_allclose(parts["classes"] * parts["response"], clear, atol=1e-12)


def test_an_overlay_is_the_map_where_it_is_full_and_the_image_where_none_responds(
    some: Responses,
) -> None:
    some.maps[:, 0, 0] = -1
    overlay, clear = (picture_of(some, part, COLOURS, LAYOUT) for part in ("overlay", "clear"))
    fullest = np.unravel_index(some.maps.max(0).argmax(), (4, 5))
    np.testing.assert_allclose(overlay[fullest], clear[fullest], atol=1e-12)
    assert len(set(overlay[0, 0])) == 1
    assert 0 < overlay[0, 0, 0] < some.image[:, 0, 0].mean()
    assert overlay.min() >= 0
    assert overlay.max() <= 1


def test_distinct_colours_are_full_or_black(some: Responses) -> None:
    layout = ClearLayout(("clear",), {}, palette="distinct")
    picture = picture_of(some, "clear", COLOURS, layout)
    is_full = some.maps.max(0) >= FULL_FROM * some.maps.max()
    for place in np.ndindex(4, 5):
        winner = COLOURS[CLASSES[some.maps[(slice(None), *place)].argmax()]]
        np.testing.assert_array_equal(picture[place], winner * is_full[place])


def test_a_class_has_its_colour_in_whatever_image_it_comes_first(some: Responses) -> None:
    """Where every image has its own likeliest classes; by number, not by rank."""
    two = replace(some, some=ClassMaps(some.maps[[0, 2]], ("owl", "yak"), (2, 5)))
    drawings = [
        clear_panels([{"e": one}, {"e": other}], LAYOUT)
        for one, other in ((some, two), (two, some))
    ]
    for drawing in drawings:
        swatches = [axes.get_facecolor()[:3] for axes in drawing.figure.axes[-4:]]
        np.testing.assert_allclose(swatches, class_colours(4))
        names = [text.get_text() for text in drawing.figure.texts][-4:]
        assert names == ["cat", "dog", "owl", "yak"]


def test_of_many_classes_those_have_a_colour_that_are_seen(some: Responses) -> None:
    maps = np.zeros((20, 4, 5))
    maps[3], maps[17, 0] = 1, 2
    maps[5, 3, 4] = 9  # one of twenty pixels
    maps[8, 3, 3] = 0.5  # below the third
    names = tuple(f"class {n}" for n in range(20))
    many = replace(some, some=ClassMaps(maps, names, tuple(range(20))))
    drawing = clear_panels([{"e": many}], LAYOUT)
    texts = [text.get_text() for text in drawing.figure.texts]
    assert texts[-3:] == ["class 3", "class 5", "class 17"]
    assert "Of the 20 classes" in drawing.caption


def test_a_single_image_takes_no_room_for_others(some: Responses) -> None:
    widths = [
        clear_panels(
            [{"e": some}] * count, ClearLayout(("clear",), {}, across=across)
        ).figure.get_figwidth()
        for count, across in ((1, 1), (1, 3), (3, 3))
    ]
    assert widths[0] == widths[1] < widths[2]


def test_a_label_without_a_map_is_judged_by_the_prediction_and_said(some: Responses) -> None:
    two = replace(some, some=ClassMaps(some.maps[[0, 2]], ("cat", "owl"), (0, 2)))
    assert two.judged == "owl"
    caption = clear_panels([{"e": two}], ClearLayout(("heatmap",), {})).caption
    assert "random-1: of the predicted class, as the label's is not explained." in caption
    neither = replace(some, some=ClassMaps(some.maps[[0, 2]], ("cat", "yak"), (0, 5)))
    assert (neither.balance == 0).all()
    unlabelled = replace(some, attributes={**some.attributes, "label": None})
    texts = [t.get_text() for t in clear_panels([{"e": unlabelled}], LAYOUT).figure.texts]
    assert "no label" in texts


def test_panels_and_numbers_are_those_of_all_images(some: Responses) -> None:
    layout = ClearLayout(("heatmap", "binary", "clear"), {"e": "responses"}, across=2)
    drawing = clear_panels([{"e": some}] * 3, layout)
    # Four panels an image, and a swatch a class.
    assert len(drawing.figure.axes) == 3 * 4 + 3
    texts = [text.get_text() for text in drawing.figure.texts]
    assert texts.count("dog") == 3 + 1
    assert texts.count("predicted owl") == 3
    (first, *_) = drawing.numbers["images"]
    np.testing.assert_allclose(first["responses"], some.maps, rtol=1e-4, atol=1e-6)
    assert sum(first["areas"]) == (some.maps.max(0) > 0).sum()
    assert "sum over channels, from the map or score of the class" in drawing.caption


def test_several_explanations_stand_side_by_side(some: Responses) -> None:
    layout = ClearLayout(("clear",), {}, across=1, palette="distinct")
    drawing = clear_panels([{"one": some, "two": some}], layout)
    texts = [text.get_text() for text in drawing.figure.texts]
    assert "one" in texts
    assert "two" in texts
    assert len(drawing.figure.axes) == 3 + 3
