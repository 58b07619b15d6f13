"""Slices lie where they are said to lie, and show what is large enough."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from prediction_difference.figures import style
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.maps import Map
from prediction_difference.figures.slices import SlicePlane, evenly_spaced, tissue_box
from prediction_difference.figures.volume_slices import Strip, Weights, volume_slices

MapMaker = Callable[..., Map]

SHAPE = (6, 8, 10)
RAS = np.array([[2.0, 0, 0, -5], [0, 2, 0, -7], [0, 0, 2, -9], [0, 0, 0, 1]])
LAS = np.array([[-2.0, 0, 0, 5], [0, 2, 0, -7], [0, 0, 2, -9], [0, 0, 0, 1]])
"""The same box in space, stored from left to right and from right to left."""
TURNED = np.array([[0, 0, -2.0, 5], [2, 0, 0, -7], [0, 2, 0, -9], [0, 0, 0, 1]])
"""The same box, its axes stored as y, z, -x."""


def draw(maps: list[Map], weights: Weights | None = None, **others: Any) -> Drawing:
    options = {"axis": 0, "slices": 2, "hide_below": 0.25} | others
    limit = style.largest(one.relevance for one in maps)
    return volume_slices(maps, limit=limit, weights=weights, **options)


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.fixture
def relevance(generator: np.random.Generator) -> np.ndarray:
    return generator.normal(size=SHAPE)


@pytest.mark.parametrize("world_axis", [0, 1, 2])
def test_pictures_do_not_depend_on_how_a_volume_is_stored(
    world_axis: int, relevance: np.ndarray
) -> None:
    index = 2
    plane = SlicePlane(SHAPE, world_axis, RAS)
    las = SlicePlane(SHAPE, world_axis, LAS)
    las_index = SHAPE[0] - 1 - index if world_axis == 0 else index
    turned = np.transpose(relevance[::-1], (1, 2, 0))
    axis = {0: 2, 1: 0, 2: 1}[world_axis]
    others = SlicePlane((8, 10, 6), axis, TURNED)
    expected = plane.picture(relevance, index)
    np.testing.assert_array_equal(las.picture(relevance[::-1], las_index), expected)
    np.testing.assert_array_equal(others.picture(turned, las_index), expected)
    assert plane.place(index) == las.place(las_index) == others.place(las_index)
    assert plane.size == las.size == others.size


@pytest.mark.parametrize("affine", [RAS, LAS])
def test_the_left_of_the_body_is_on_the_left(affine: np.ndarray) -> None:
    volume = np.zeros(SHAPE)
    voxel = np.linalg.inv(affine) @ (-5.0, 7.0, 9.0, 1.0)
    volume[tuple(voxel[:3].round().astype(int))] = 1
    for axis, index in ((1, 7), (2, 9)):
        plane = SlicePlane(SHAPE, axis, affine)
        picture = plane.picture(volume, index)
        assert np.argwhere(picture).tolist() == [[0, 0]]
        assert plane.sides == ("L", "R")
    assert SlicePlane(SHAPE, 0, affine).sides == ("P", "A")


def test_places_are_millimetres_of_the_affine() -> None:
    assert SlicePlane(SHAPE, 0, LAS).place(0) == "x = +5 mm, right"
    assert SlicePlane(SHAPE, 0, RAS).place(0) == f"x = {style.MINUS}5 mm, left"
    assert SlicePlane(SHAPE, 2, LAS).millimetres(9) == 9
    centred = RAS.copy()
    centred[0, 3] = -4
    assert SlicePlane(SHAPE, 0, centred).place(2) == "x = 0 mm, midline"
    assert SlicePlane(SHAPE, 1, None).millimetres(3) is None


def test_slices_are_evenly_spaced_where_there_is_tissue() -> None:
    tissue = np.zeros((20, 4, 4), dtype=bool)
    tissue[4:16, 1, 2] = True
    assert evenly_spaced(tissue, 0, 4) == [5, 8, 11, 14]
    assert evenly_spaced(tissue, 0, 99) == list(range(4, 16))
    assert evenly_spaced(np.zeros((5, 2, 2), dtype=bool), 0, 1) == [2]
    assert tissue_box(tissue, 0, 1) == (slice(0, 20), slice(0, 3), slice(1, 4))
    assert tissue_box(tissue, 1, 1) == (slice(3, 17), slice(0, 4), slice(1, 4))


def test_small_values_are_hidden_in_picture_and_numbers() -> None:
    values = np.array([0.0, 0.1, -0.24, 0.25, -1.0]).reshape(1, 5, 1)
    strip = Strip(np.full((1, 5, 1), 0.5), values, 1.0, hide_below=0.25)
    plane = SlicePlane((1, 5, 1), 0, None)
    bare = Strip(strip.grey, np.zeros_like(values), 1.0, 0.25).picture(plane, 0)
    differs = (strip.picture(plane, 0) != bare).any(-1)
    assert differs.tolist() == [[False, False, False, True, True]]
    assert strip.numbers(plane, [0]) == [[[None, None, None, 0.25, -1.0]]]


def test_numbers_are_the_drawn_slices(make_map: MapMaker, relevance: np.ndarray) -> None:
    maps = [make_map(relevance, affine=LAS), make_map(5 * relevance, "correct-2", affine=LAS)]
    numbers = draw(maps, hide_below=0.0).numbers
    assert [place["index"] for place in numbers["slices"]] == [1, 4]
    assert [place["millimetres"] for place in numbers["slices"]] == [3, -3]
    assert numbers["limit"] == rounded(5 * np.abs(relevance).max())
    for one, subject in zip(maps, numbers["subjects"], strict=True):
        expected = [one.relevance[index].T[::-1] for index in (1, 4)]
        assert subject["relevance"] == rounded(np.stack(expected))
        assert subject["image"] == one.image_name


def test_empty_margins_are_not_shown(make_map: MapMaker, relevance: np.ndarray) -> None:
    image = np.zeros((1, 6, 20, 30))
    image[:, :, 8:12, 9:14] = 1
    wide = np.zeros(image.shape[1:])
    numbers = draw([make_map(wide, image=image, affine=RAS)]).numbers
    assert numbers["shown_voxels"] == [[0, 6], [6, 14], [7, 16]]
    assert np.shape(numbers["subjects"][0]["relevance"]) == (2, 9, 8)


def test_a_subject_is_described_and_clinical_use_excluded(
    make_map: MapMaker, relevance: np.ndarray
) -> None:
    drawing = draw([make_map(relevance, affine=LAS, label="dog")])
    said = words(drawing.figure)
    for expected in ("label dog", "misclassified", "evidence for cat", "Not for clinical use."):
        assert expected in said
    assert "x = +3 mm, right" in said
    assert drawing.caption.startswith("Not for clinical use.")
    assert "below 25% of the volume's largest" in drawing.caption
    assert f"±{style.number(np.abs(relevance).max())} bits" in drawing.caption
    assert "P and A mark the posterior and the anterior side" in drawing.caption


def test_weights_are_drawn_in_their_own_scale(make_map: MapMaker, relevance: np.ndarray) -> None:
    one = make_map(relevance, affine=LAS)
    weights = Weights(np.stack([relevance, -3 * relevance]), "dog", "fold-1")
    drawing = draw([one], weights, hide_below=0.0)
    assert drawing.numbers["limit"] == rounded(np.abs(relevance).max())
    numbers = drawing.numbers["weights"]
    assert numbers["limit"] == rounded(2 * np.abs(relevance).max())
    assert numbers["values"][0] == rounded(-2 * relevance[1].T[::-1])
    assert "weights, red towards dog" in words(drawing.figure)
    assert "fitted without fold-1" in drawing.caption
    assert "weights" not in draw([one]).numbers


def test_a_volume_without_affine_is_shown_as_stored(
    make_map: MapMaker, relevance: np.ndarray
) -> None:
    drawing = draw([make_map(relevance)], axis=2)
    assert drawing.numbers["world_axis"] is None
    assert drawing.numbers["slices"][0] == {"index": 2, "millimetres": None}
    assert "position in millimetres is not known" in drawing.caption
