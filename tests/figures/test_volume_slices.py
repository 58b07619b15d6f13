"""Slices lie where they are said to lie, and show what is large enough."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from prediction_difference.errors import StoreError
from prediction_difference.figures import style
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.maps import Map
from prediction_difference.figures.slices import SlicePlane, evenly_spaced, tissue_box
from prediction_difference.figures.strips import AREA, LONGEST, Strip, View
from prediction_difference.figures.volume_slices import (
    ShownMap,
    SliceLayout,
    Weights,
    volume_slices,
)

MapMaker = Callable[..., Map]

SHAPE = (6, 8, 10)
RAS = np.array([[2.0, 0, 0, -5], [0, 2, 0, -7], [0, 0, 2, -9], [0, 0, 0, 1]])
LAS = np.array([[-2.0, 0, 0, 5], [0, 2, 0, -7], [0, 0, 2, -9], [0, 0, 0, 1]])
"""The same box in space, stored from left to right and from right to left."""
TURNED = np.array([[0, 0, -2.0, 5], [2, 0, 0, -7], [0, 2, 0, -9], [0, 0, 0, 1]])
"""The same box, its axes stored as y, z, -x."""


def draw(
    maps: list[Map], weights: Weights | None = None, hide_below: float = 0.25, **layout: Any
) -> Drawing:
    shown = [ShownMap(one, one.explanation, hide_below) for one in maps]
    return volume_slices(shown, weights, SliceLayout(**({"slices": 2} | layout)))


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
    numbers = strip.numbers(View(plane, [0], ("lightened",)))
    assert numbers["values"] == [[[None, None, None, 0.25, -1.0]]]
    assert numbers["hidden_share"] == 0.6


@pytest.mark.parametrize("share", [0.0, 0.1, 0.15, 0.5])
def test_what_is_hidden_is_what_the_threshold_says(share: float, relevance: np.ndarray) -> None:
    grey = np.ones(SHAPE)
    grey[:2] = 0
    strip = Strip(grey, relevance, 1.0, share)
    below = np.abs(relevance[2:]) < share * np.abs(relevance).max()
    assert strip.hidden_share == pytest.approx(below.mean())
    shown = strip.numbers(View(SlicePlane(SHAPE, 0, None), range(SHAPE[0]), ("image",)))["values"]
    missing = sum(value is None for picture in shown for row in picture for value in row)
    assert missing == (np.abs(relevance) < share * np.abs(relevance).max()).sum()


def test_the_reversed_ground_is_the_image_with_greys_reversed(
    generator: np.random.Generator,
) -> None:
    grey = generator.uniform(0.1, 0.9, size=SHAPE)
    grey[0] = 0
    strip = Strip(grey, np.zeros(SHAPE), 1.0, 0.15)
    plane = SlicePlane(SHAPE, 1, LAS)
    image, turned = (strip.picture(plane, 3, ground) for ground in ("image", "reversed"))
    np.testing.assert_allclose(image + turned, 1)
    brightness = style.greys(plane.picture(grey, 3), float(np.percentile(grey[1:], 99.5)))
    np.testing.assert_allclose(image, brightness)


def test_colours_over_every_dark_or_light_ground_are_those_of_the_scale(
    relevance: np.ndarray,
) -> None:
    strip = Strip(np.full(SHAPE, 0.5), relevance, 2.0, 0.15)
    plane = SlicePlane(SHAPE, 0, RAS)
    is_shown = ~plane.picture(strip.is_hidden, 2)
    expected = style.SIGNED(style.symmetric(2.0)(plane.picture(relevance, 2)))[..., :3]
    for ground in ("image", "reversed"):
        picture = strip.picture(plane, 2, ground)
        np.testing.assert_allclose(picture[is_shown], expected[is_shown])
        assert len(np.unique(picture[~is_shown], axis=0)) == 1


def test_slices_keep_the_numbers_of_the_volume_that_they_were_cut_out_of(
    make_map: MapMaker, relevance: np.ndarray
) -> None:
    geometry = {"first": [29, 0, 0], "shape": [91, *SHAPE[1:]]}
    one = make_map(relevance, affine=LAS, geometry=geometry)
    drawing = draw([one], slices=(29, 34), hide_below=0.0)
    (view,) = drawing.numbers["views"]
    assert [place["number"] for place in view["slices"]] == [29, 34]
    assert [place["millimetres"] for place in view["slices"]] == [5, -5]
    assert drawing.numbers["maps"][0]["values"][1] == rounded(relevance[5].T[::-1])
    assert "slice 34 of 0 to 90" in words(drawing.figure)
    other_axis = draw([one], axes=(1,), slices=(7,)).numbers["views"][0]
    assert other_axis["slices"][0] == {"number": 7, "millimetres": 7}
    with pytest.raises(StoreError, match="has slices 29 to 34 on axis 0, not slice 5"):
        draw([one], slices=(5,))


@pytest.mark.parametrize("affine", [RAS, LAS])
def test_a_voxel_on_the_left_is_drawn_on_the_left(affine: np.ndarray, make_map: MapMaker) -> None:
    relevance = np.zeros(SHAPE)
    voxel = np.linalg.inv(affine) @ (-5.0, 7.0, 9.0, 1.0)
    relevance[tuple(voxel[:3].round().astype(int))] = 1
    drawing = draw([make_map(relevance, affine=affine)], axes=(1,), slices=(7,), hide_below=0.15)
    (picture,) = drawing.numbers["maps"][0]["values"]
    shown = [(y, x) for y, row in enumerate(picture) for x, v in enumerate(row) if v is not None]
    assert shown == [(0, 0)]
    panel = drawing.figure.axes[0]
    texts = {text.get_text(): text.get_position()[0] for text in panel.texts}
    assert texts["L"] < 0.5 < texts["R"]


def test_every_axis_has_a_row_with_headings(make_map: MapMaker, relevance: np.ndarray) -> None:
    maps = [make_map(relevance, affine=LAS), make_map(-relevance, "correct-2", affine=LAS)]
    numbers = draw(maps, axes=(0, 1, 2)).numbers
    assert [view["world_axis"] for view in numbers["views"]] == ["x", "y", "z"]
    rows = [(one["slot"], one["view"]) for one in numbers["maps"]]
    assert rows == [(slot, n) for slot in ("correct-1", "correct-2") for n in range(3)]


def test_panels_have_one_area_but_for_very_long_ones() -> None:
    square = View(SlicePlane((4, 9, 9), 0, None), [0], ("image",))
    assert np.prod(square.size) == pytest.approx(AREA)
    thin = View(SlicePlane((4, 9, 99), 0, None), [0], ("image",))
    assert max(thin.size) == pytest.approx(LONGEST)


def test_every_ground_has_a_panel_and_rows_may_be_side_by_side(
    make_map: MapMaker, relevance: np.ndarray
) -> None:
    maps = [make_map(relevance, f"correct-{n}", affine=LAS) for n in range(4)]
    one = draw(maps, grounds=("image", "reversed"), slices=2)
    assert one.numbers["grounds"] == ["image", "reversed"]
    panels = [axes for axes in one.figure.axes if axes.images]
    assert len(panels) == 4 * 2 * 2
    assert "over the image and over the image in reversed greys" in one.caption
    beside = draw(maps, slices=2, across=2).figure
    assert beside.get_figwidth() > one.figure.get_figwidth()
    lefts = [axes.get_position().x0 for axes in beside.axes if axes.images]
    assert max(lefts[:4]) < min(lefts[4:8])


@pytest.mark.parametrize(
    ("sharing", "limits"), [("figure", [6, 6, 6]), ("explanation", [2, 2, 6]), ("map", [1, 2, 6])]
)
def test_scales_are_shared_as_asked(
    sharing: str, limits: list[int], make_map: MapMaker, relevance: np.ndarray
) -> None:
    unit = relevance / np.abs(relevance).max()
    maps = [make_map(n * unit, f"correct-{n}", f"e{n // 3}", affine=RAS) for n in (1, 2, 6)]
    drawing = draw(maps, limit=sharing)
    assert [one["limit"] for one in drawing.numbers["maps"]] == pytest.approx(limits)
    assert ("full colour at" in words(drawing.figure)) == (sharing != "figure")


def test_a_scale_belongs_to_a_unit(make_map: MapMaker, relevance: np.ndarray) -> None:
    unit = relevance / np.abs(relevance).max()
    bits = [make_map(n * unit, f"correct-{n}", affine=RAS) for n in (1, 2)]
    score = make_map(6 * unit, explanation="of-score", affine=RAS)
    score = dataclasses.replace(score, unit="activation")
    drawing = draw([*bits, score])
    assert [one["limit"] for one in drawing.numbers["maps"]] == pytest.approx([2, 2, 6])
    assert [one["unit"] for one in drawing.numbers["maps"]] == ["bits", "bits", "activation"]
    said = words(drawing.figure)
    for title in ("against (blue), for (red), bits", "against (blue), for (red), activation"):
        assert said.count(title) == 1
    for end in ("+2.00", "+6.00"):
        assert end in said
    shared = "All maps of one unit share one scale, up to their largest absolute value"
    assert f"{shared} (±2.00 bits, ±6.00 activation)." in drawing.caption
    alone = draw(bits)
    assert "All maps share one scale" in alone.caption
    assert drawing.figure.get_figheight() > alone.figure.get_figheight()


@pytest.mark.parametrize("sharing", ["figure", "explanation", "map"])
def test_maps_without_a_sign_are_no_evidence(
    sharing: str, make_map: MapMaker, relevance: np.ndarray
) -> None:
    order = make_map(np.abs(relevance), "correct-1", "order", "random", affine=RAS)
    mixed = draw([make_map(3 * relevance, affine=RAS), order], limit=sharing)
    limits = [one["limit"] for one in mixed.numbers["maps"]]
    largest = np.abs(relevance).max()
    assert limits == pytest.approx([3 * largest, largest], rel=1e-3)
    assert "red is strong, which is no evidence for or against" in mixed.caption
    assert "weak (white), strong (red)" in words(mixed.figure)
    alone = draw([order], limit=sharing)
    assert "Red is evidence" not in alone.caption
    assert "evidence for" not in words(alone.figure)
    assert "none" not in words(alone.figure)


def test_volumes_on_other_grids_are_refused(make_map: MapMaker, relevance: np.ndarray) -> None:
    others = make_map(relevance, "correct-2", "other", affine=RAS)
    with pytest.raises(StoreError, match="other: has volumes on another grid than evidence"):
        draw([make_map(relevance, affine=LAS), others])


def test_numbers_are_the_drawn_slices(make_map: MapMaker, relevance: np.ndarray) -> None:
    maps = [make_map(relevance, affine=LAS), make_map(5 * relevance, "correct-2", affine=LAS)]
    numbers = draw(maps, hide_below=0.0).numbers
    places = numbers["views"][0]["slices"]
    assert [place["number"] for place in places] == [1, 4]
    assert [place["millimetres"] for place in places] == [3, -3]
    for one, subject in zip(maps, numbers["maps"], strict=True):
        assert subject["limit"] == rounded(5 * np.abs(relevance).max())
        expected = [one.relevance[index].T[::-1] for index in (1, 4)]
        assert subject["values"] == rounded(np.stack(expected))
        assert subject["image"] == one.image_name


def test_empty_margins_are_not_shown(make_map: MapMaker, relevance: np.ndarray) -> None:
    image = np.zeros((1, 6, 20, 30))
    image[:, :, 8:12, 9:14] = 1
    wide = np.zeros(image.shape[1:])
    numbers = draw([make_map(wide, image=image, affine=RAS)]).numbers
    assert numbers["views"][0]["shown_voxels"] == [[0, 6], [6, 14], [7, 16]]
    assert np.shape(numbers["maps"][0]["values"]) == (2, 9, 8)


def test_a_subject_is_described_and_clinical_use_excluded(
    make_map: MapMaker, relevance: np.ndarray
) -> None:
    drawing = draw([make_map(relevance, affine=LAS, label="dog")])
    said = words(drawing.figure)
    for expected in ("label dog", "misclassified", "evidence for cat", "Not for clinical use."):
        assert expected in said
    assert "x = +3 mm, right" in said
    assert "Values below 25% of the largest" in drawing.caption
    assert f"±{style.number(np.abs(relevance).max())} bits" in drawing.caption
    assert "P and A mark the posterior and the anterior side" in drawing.caption


def test_weights_are_drawn_in_their_own_scale(make_map: MapMaker, relevance: np.ndarray) -> None:
    one = make_map(relevance, affine=LAS)
    weights = Weights(np.stack([relevance, -3 * relevance]), "dog", "fold-1")
    drawing = draw([one], weights, hide_below=0.0)
    assert drawing.numbers["maps"][0]["limit"] == rounded(np.abs(relevance).max())
    (numbers,) = drawing.numbers["weights"]["views"]
    assert numbers["limit"] == rounded(2 * np.abs(relevance).max())
    assert numbers["values"][0] == rounded(-2 * relevance[1].T[::-1])
    assert "weights, red towards dog" in words(drawing.figure)
    assert "fitted without fold-1" in drawing.caption
    assert "weights" not in draw([one]).numbers


def test_a_volume_without_affine_is_shown_as_stored(
    make_map: MapMaker, relevance: np.ndarray
) -> None:
    drawing = draw([make_map(relevance)], axes=(2,))
    (view,) = drawing.numbers["views"]
    assert view["world_axis"] is None
    assert view["slices"][0] == {"number": 2, "millimetres": None}
    assert "position in millimetres is not known" in drawing.caption
