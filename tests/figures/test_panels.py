"""One picture says what its map says: colours, overlays, masks and limits."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from prediction_difference.figures import style
from prediction_difference.figures.canvas import Canvas
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.maps import Map
from prediction_difference.figures.panels import (
    Block,
    Panel,
    enlarged,
    largest_pixels,
    with_limits,
)

MapMaker = Callable[..., Map]


def shown(panel: Panel) -> np.ndarray:
    """What the axes hold once the panel is drawn."""
    axes = Canvas.empty(1, 1).panel(0, 0, 1, 1)
    panel.draw(axes)
    return np.asarray(axes.get_images()[0].get_array())


@pytest.fixture
def photograph(generator: np.random.Generator) -> np.ndarray:
    return generator.random((3, 8, 6))


def test_a_heatmap_is_the_relevance_and_an_image_the_image(
    make_map: MapMaker, photograph: np.ndarray, generator: np.random.Generator
) -> None:
    one = make_map(generator.normal(size=(8, 6)), image=photograph)
    np.testing.assert_array_equal(shown(Panel(one, limit=2.0)), one.relevance)
    np.testing.assert_array_equal(shown(Panel(one, "image")), np.moveaxis(photograph, 0, -1))


@pytest.mark.parametrize("method", ["prediction-difference", "sensitivity"])
def test_an_overlay_is_the_light_grey_image_times_the_heatmap(
    make_map: MapMaker, photograph: np.ndarray, method: str
) -> None:
    relevance = np.zeros((8, 6))
    relevance[:, 0], relevance[:, 1] = 2.0, 1.0
    one = make_map(relevance, image=photograph, method=method)
    pixels = shown(Panel(one, "overlay", limit=2.0))
    grey = np.tensordot([0.299, 0.587, 0.114], photograph, 1)
    ground = 0.62 + 0.38 * grey
    np.testing.assert_allclose(pixels[:, 2:], np.stack([ground[:, 2:]] * 3, -1))
    colours, scale = style.colours_of(2.0, one.is_signed)
    for column in (0, 1):
        tint = np.array(colours(scale(relevance[0, column]))[:3])
        np.testing.assert_allclose(pixels[:, column], ground[:, column, None] * tint)
        red, green, _ = np.moveaxis(pixels[:, column], -1, 0)
        assert (red > green).all()


def test_an_overlay_over_white_is_the_heatmap_alone(
    make_map: MapMaker, generator: np.random.Generator
) -> None:
    one = make_map(generator.normal(size=(5, 4)), image=np.ones((3, 5, 4)))
    alone = style.SIGNED(style.symmetric(1.5)(one.relevance))[..., :3]
    np.testing.assert_allclose(shown(Panel(one, "overlay", limit=1.5)), alone)


def test_a_removed_layers_map_is_laid_over_the_pixels_of_its_cells(
    make_map: MapMaker, generator: np.random.Generator
) -> None:
    values = generator.normal(size=(2, 3))
    large = enlarged(values, (4, 9))
    np.testing.assert_array_equal(large, np.kron(values, np.ones((2, 3))))
    assert enlarged(values, (5, 7)).shape == (5, 7)
    one = make_map(values, image=np.ones((1, 4, 9)))
    assert shown(Panel(one, "overlay", limit=1.0)).shape == (4, 9, 3)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_a_mask_holds_its_share_of_the_pixels_and_the_largest(
    share: float, generator: np.random.Generator
) -> None:
    relevance = generator.normal(size=(20, 30))
    mask = largest_pixels(relevance, share)
    assert mask.sum() == round(share * 600)
    assert np.abs(relevance)[mask].min() >= np.abs(relevance)[~mask].max()
    assert (relevance[mask] < 0).any()


def test_a_mask_of_equal_values_takes_the_first_and_never_none() -> None:
    mask = largest_pixels(np.full((4, 5), -3.0), 0.3)
    assert mask.sum() == 6
    assert mask.ravel()[:6].all()
    assert largest_pixels(np.zeros((3, 3)), 0.01).sum() == 1


def test_a_mask_is_drawn_black_and_told_in_numbers(
    make_map: MapMaker, generator: np.random.Generator
) -> None:
    panel = Panel(make_map(generator.normal(size=(10, 8))), "mask", top=0.1)
    pixels = shown(panel)
    np.testing.assert_array_equal(pixels[..., 0] == 0, panel.mask)
    assert ((pixels == 0) | (pixels == 1)).all()
    numbers = panel.numbers(1)
    assert np.sum(numbers["mask"]) == 8
    assert (numbers["top"], panel.range_in_words) == (0.1, "8 of 80 pixels")
    assert "relevance" not in numbers


def test_numbers_are_the_relevance_or_means_over_squares_of_it(
    make_map: MapMaker, generator: np.random.Generator
) -> None:
    one = make_map(generator.normal(size=(4, 5)))
    assert Panel(one, limit=3.0).numbers(1)["relevance"] == rounded(one.relevance)
    means = Panel(one, limit=3.0).numbers(2)["relevance"]
    assert np.shape(means) == (2, 3)
    assert means[1][0] == rounded(one.relevance[2:, :2].mean())
    assert means[0][2] == rounded(one.relevance[:2, 4].mean())


def blocks_of(make_map: MapMaker) -> list[Block]:
    """Two images, two rows: bits 1 and -2, activation 3 and unsigned 4; tenfold in the second."""

    def block(slot: str, size: float) -> Block:
        bits = [make_map(np.full((2, 2), value * size), slot) for value in (1.0, -2.0)]
        score = dataclasses.replace(make_map(np.full((2, 2), 3 * size), slot), unit="activation")
        unsigned = make_map(np.full((2, 2), 4 * size), slot, "gradient", "sensitivity")
        image = Panel(bits[0], "image")
        rows = [[image, Panel(bits[0]), Panel(score)], [None, Panel(bits[1]), Panel(unsigned)]]
        return Block(rows)

    return [block("correct-1", 1.0), block("correct-2", 10.0)]


@pytest.mark.parametrize(
    ("shared_by", "expected"),
    [
        ("map", [[1, 3, 2, 4], [10, 30, 20, 40]]),
        ("row", [[1, 3, 2, 4], [10, 30, 20, 40]]),
        ("image", [[2, 3, 2, 4], [20, 30, 20, 40]]),
        ("figure", [[20, 30, 20, 4], [20, 30, 20, 40]]),
    ],
)
def test_signed_maps_of_one_unit_share_a_limit(
    make_map: MapMaker, shared_by: str, expected: list[list[float]]
) -> None:
    limited = with_limits(blocks_of(make_map), shared_by)  # type: ignore[arg-type]
    assert [[panel.limit for _, panel in block.places] for block in limited] == expected


def test_the_maps_of_a_row_share_a_limit_and_those_of_map_do_not(make_map: MapMaker) -> None:
    row = [Panel(make_map(np.full((2, 2), value))) for value in (1.0, -5.0)]
    assert [p.limit for _, p in with_limits([Block([row])], "row")[0].places] == [5, 5]
    assert [p.limit for _, p in with_limits([Block([row])], "map")[0].places] == [1, 5]


def test_a_title_is_the_class_with_its_rank(make_map: MapMaker) -> None:
    zeros = np.zeros((2, 2))
    fourth = make_map(zeros, label="cat", predicted="dog", node={"class": "cat", "rank": 4})
    assert (Block([[Panel(fourth)]]).title, Block([[Panel(fourth)]]).rank) == ("cat", "(4)")
    assert Block([[Panel(fourth)]]).remark == "image of correct-1"
    other = make_map(zeros, label="dog", node={"class": "cat", "rank": 1})
    assert Block([[Panel(other)]]).remark == "label dog"
    several = Block([[Panel(fourth), Panel(make_map(zeros, label="cat", node={"class": "cow"}))]])
    assert (several.title, several.rank) == ("cat", "")
    assert Block([[Panel(make_map(zeros, label=None))]]).remark == "image of correct-1"


def test_a_label_says_what_holds_for_all_maps(make_map: MapMaker) -> None:
    zeros = np.zeros((2, 2))
    one, cow = make_map(zeros), make_map(zeros, node={"class": "cow"})
    elsewhere = make_map(zeros, classifier="other", predicted="cow", label="cat")
    assert Block([[Panel(cow)]]).label.facts[-1].startswith("explained cow")
    assert len(Block([[Panel(one), Panel(cow)]]).label.facts) == 2
    of_two = Block([[Panel(elsewhere), Panel(one)]]).label
    assert list(of_two.facts) == ["label cat"]
    assert not of_two.is_wrong
