"""Grids of feature maps: every map in its place, in its own or in a common scale."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from prediction_difference.figures import style
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.feature_maps import LARGEST, SMALLEST, feature_maps
from prediction_difference.figures.maps import Map

MapMaker = Callable[..., Map]


def layer_of(make_map: MapMaker, name: str, relevance: np.ndarray, slot: str = "a") -> list[Map]:
    """Maps 0, 1, ... of a layer with this relevance (maps, y, x)."""
    facts = {"kind": "feature_map", "layer": name, "class": None, "probability": None}
    return [
        make_map(one, slot, node={**facts, "unit": number, "rank": None, "value": number / 2})
        for number, one in enumerate(relevance)
    ]


@pytest.fixture
def layers(make_map: MapMaker, generator: np.random.Generator) -> list[list[Map]]:
    """Five maps, the last of them zero, and two larger ones."""
    first, second = generator.normal(size=(5, 6, 4)), 9 * generator.normal(size=(2, 6, 4))
    first[4] = 0
    return [layer_of(make_map, "conv1", first), layer_of(make_map, "conv2", second)]


def mosaics(figure: Figure) -> dict[str, np.ma.MaskedArray]:
    return {str(a.get_gid()): a.get_images()[0].get_array() for a in figure.axes if a.get_gid()}


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_every_map_is_in_its_place_as_a_share_of_its_limit(layers: list[list[Map]]) -> None:
    mosaic = mosaics(feature_maps(layers, "map").figure)["conv1"]
    assert mosaic.shape == (2 * 6, 3 * 4)
    for number, one in enumerate(layers[0][:4]):
        row, column = divmod(number, 3)
        panel = mosaic[6 * row : 6 * row + 6, 4 * column : 4 * column + 4]
        np.testing.assert_allclose(panel, one.relevance / np.abs(one.relevance).max())
    assert (mosaic[6:, 4:8] == 0).all()
    assert mosaic.mask[6:, 8:].all()


def test_the_maps_of_a_layer_can_share_a_limit(layers: list[list[Map]]) -> None:
    drawing = feature_maps(layers, "layer")
    for maps, entry in zip(layers, drawing.numbers["layers"], strict=True):
        largest = max(np.abs(one.relevance).max() for one in maps)
        assert {one["limit"] for one in entry["maps"]} == {rounded(largest)}
        drawn = mosaics(drawing.figure)[entry["layer"]][:6, :4]
        np.testing.assert_allclose(drawn, maps[0].relevance / largest)
    assert "all maps of a layer share one scale" in drawing.caption
    assert "each map has one scale" in feature_maps(layers, "map").caption


def test_colours_are_symmetric_and_zero_is_white(layers: list[list[Map]]) -> None:
    figure = feature_maps(layers, "map").figure
    images = [axes.get_images()[0] for axes in figure.axes if axes.get_gid()]
    for image in images:
        assert image.get_clim() == (-1, 1)
        assert tuple(image.cmap(image.norm(0.0))[:3]) == (1, 1, 1)


def test_numbers_are_what_is_drawn_and_summaries_of_the_full_maps(
    layers: list[list[Map]],
) -> None:
    drawing = feature_maps(layers, "map")
    (conv1, conv2), drawn = drawing.numbers["layers"], mosaics(drawing.figure)["conv2"]
    assert (conv1["layer"], len(conv1["maps"]), conv1["square"]) == ("conv1", 5, 1)
    one, entry = layers[1][1], conv2["maps"][1]
    np.testing.assert_allclose(entry["percent_of_limit"], 100 * drawn[:6, 4:], atol=0.5)
    assert entry["map"] == 1
    assert entry["value"] == 0.5
    assert entry["smallest"] == rounded(one.relevance.min())
    assert entry["largest"] == rounded(one.relevance.max())
    assert entry["mean"] == rounded(one.relevance.mean())
    assert drawing.numbers["image"] == one.image_name


def test_large_maps_are_averaged_over_squares(
    make_map: MapMaker, generator: np.random.Generator
) -> None:
    relevance = generator.normal(size=(2, 250, 200))
    drawing = feature_maps([layer_of(make_map, "conv1", relevance)], "map")
    (entry,) = drawing.numbers["layers"]
    side = entry["square"]
    assert side == 3
    mosaic = mosaics(drawing.figure)["conv1"] * entry["maps"][0]["limit"]
    assert mosaic[1, 2] == pytest.approx(relevance[0, 3:6, 6:9].mean(), rel=1e-5)
    assert "means over squares of pixels (3 x 3 for conv1)" in drawing.caption


@pytest.mark.parametrize("count", [1, 2, 64, 256, 1024])
def test_panels_stay_readable_and_text_on_the_page(
    make_map: MapMaker, generator: np.random.Generator, count: int
) -> None:
    layer = layer_of(make_map, "features.3.expand3x3" * 3, generator.normal(size=(count, 4, 4)))
    with style.context():
        figure = feature_maps([layer, layer_of(make_map, "b", np.zeros((3, 4, 4)))], "map").figure
        figure.set_dpi(style.PIXELS_PER_INCH)
        boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    axes = next(axes for axes in figure.axes if str(axes.get_gid()).startswith("features"))
    side = axes.get_position().width * figure.get_size_inches()[0] / np.ceil(np.sqrt(count))
    assert SMALLEST - 1e-9 <= side <= LARGEST + 1e-9
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1
        for other in boxes[:number]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            assert not (across > 1 and min(box.y1, other.y1) - max(box.y0, other.y0) > 1)


def said_of(layers: Sequence[Sequence[Map]]) -> str:
    return words(feature_maps(layers, "map").figure)


def test_layers_are_named_with_their_maps_and_limits(layers: list[list[Map]]) -> None:
    said = " ".join(said_of(layers).split())
    for expected in ("conv1", "5 maps", "1 of 5 maps are zero", "conv2", "bits", "label cat"):
        assert expected in said
    caption = feature_maps(layers, "map").caption
    assert "red pixels raise the explained map or unit" in caption
    assert "k = 3, stride 1, S = 10" in caption
