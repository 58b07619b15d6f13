"""Heatmaps beside each other can be compared, and are what the numbers say."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from prediction_difference.figures import heatmap_panels as module
from prediction_difference.figures import style
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.heatmap_panels import Layout, heatmap_panels
from prediction_difference.figures.maps import Map
from prediction_difference.figures.panels import Block, Panel, with_limits

MapMaker = Callable[..., Map]


def block_of(maps: Sequence[Map], **others: Any) -> Block:
    """The image and its maps in one row."""
    return Block([[Panel(maps[0], "image"), *(Panel(one, **others) for one in maps)]])


def drawn(rows: Sequence[Sequence[Map]]) -> Drawing:
    """A figure with one row of maps per image."""
    return heatmap_panels(with_limits([block_of(row) for row in rows], "row"), Layout())


@pytest.fixture
def rows(make_map: MapMaker, generator: np.random.Generator) -> list[list[Map]]:
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
    """Heatmaps of a figure by slot/row/column."""
    return {str(a.get_gid()): a.get_images()[0] for a in figure.axes if a.get_gid() is not None}


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def assert_all_text_is_readable(figure: Figure) -> None:
    """Nothing lies outside of the page, over other text or over a picture."""
    figure.set_dpi(style.PIXELS_PER_INCH)
    texts = [text for text in figure.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    panels = [axes.get_window_extent() for axes in figure.axes]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, texts[number]
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, texts[number]
        for other in (*boxes[:number], *panels):
            assert not overlap(box, other), texts[number]


def overlap(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    return across > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1


def test_maps_have_the_symmetric_limit_that_they_share(rows: list[list[Map]]) -> None:
    figure = pictures(drawn(rows).figure)
    for row in rows:
        largest = max(np.abs(one.relevance).max() for one in row[:2])
        for column in (1, 2):
            assert figure[f"{row[0].slot}/0/{column}"].get_clim() == (-largest, largest)
        assert figure[f"{row[0].slot}/0/3"].get_clim() == (0, row[2].relevance.max())


def test_what_is_drawn_is_what_the_numbers_say(rows: list[list[Map]]) -> None:
    drawing = drawn(rows)
    figure = pictures(drawing.figure)
    assert len(figure) == 6
    assert drawing.numbers["square"] == 1
    for row, numbers in zip(rows, drawing.numbers["rows"], strict=True):
        for one, entry in zip(row, numbers, strict=True):
            array = figure[f"{one.slot}/{entry['row']}/{entry['column']}"].get_array()
            np.testing.assert_array_equal(array, one.relevance)
            assert entry["relevance"] == rounded(one.relevance)
            assert (entry["image"], entry["unit"]) == (one.image_name, one.unit)


def test_numbers_of_many_maps_are_means_over_squares(
    rows: list[list[Map]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 6 * 48 // 4)
    drawing = drawn(rows)
    assert drawing.numbers["square"] == 2
    assert np.shape(drawing.numbers["rows"][0][0]["relevance"]) == (4, 3)
    assert "means over squares of 2 x 2 pixels" in drawing.caption


def test_limits_are_printed_in_their_unit(make_map: MapMaker) -> None:
    signed = [make_map(np.full((4, 4), 7.37), explanation=name) for name in ("a", "b")]
    unsigned = make_map(np.full((4, 4), 0.5), explanation="c", method="sensitivity")
    drawing = drawn([[*signed, unsigned]])
    assert words(drawing.figure).count("±7.37 bits") == 2
    assert "0 to 0.500" in words(drawing.figure)


def test_misclassified_images_are_marked_in_words(make_map: MapMaker) -> None:
    zeros = np.zeros((4, 4))
    right, unknown = make_map(zeros), make_map(zeros, label=None)
    for one in (right, unknown):
        assert "misclassified" not in words(drawn([[one]]).figure)
    said = words(drawn([[make_map(zeros, label="dog")]]).figure)
    assert "misclassified" in said
    assert "label dog" in said
    assert "predicted cat, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.88" in said


def test_another_explained_class_is_named(make_map: MapMaker) -> None:
    one = make_map(np.zeros((4, 4)), predicted="dog", label="dog", predicted_probability=0.99)
    assert one.label_lines[1:] == [
        "predicted dog, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.99",
        "explained cat, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.88",
    ]


def test_panels_lie_beside_each_other_and_below_each_other(rows: list[list[Map]]) -> None:
    figure = drawn(rows).figure
    boxes = [a.get_position() for a in figure.axes if a.get_gid() is not None]
    assert len({round(box.y0, 6) for box in boxes}) == 2
    assert len({round(box.x0, 6) for box in boxes}) == 3
    width, height = figure.get_size_inches()
    for box in boxes:
        assert box.height * height / (box.width * width) == pytest.approx(8 / 6)


def test_images_side_by_side_have_their_class_and_rank_above(rows: list[list[Map]]) -> None:
    layout = Layout(across=2, size=1.0)
    figure = heatmap_panels([block_of(row) for row in (*rows, rows[0])], layout).figure
    boxes = {a.get_gid(): a.get_position() for a in figure.axes if a.get_gid() is not None}
    assert boxes["correct-1/0/3"].x1 < boxes["misclassified-1/0/1"].x0
    assert boxes["correct-1/0/1"].y0 < boxes["misclassified-1/0/1"].y0
    assert words(figure).count("cat (1)") == 3
    assert words(figure).count("marginal") == 2
    assert (
        "in brackets its rank by score"
        in heatmap_panels([block_of(row) for row in rows], layout).caption
    )


def nodes_of(make_map: MapMaker) -> Block:
    """Scores of two classes above their probabilities."""
    rows: list[list[Panel | None]] = [[], []]
    for number, kind in enumerate(("score", "probability")):
        for name, value in (("African elephant", 0.75), ("tusker", 0.125)):
            node = {"class": name, "value": value, "kind": kind}
            rows[number].append(Panel(make_map(np.full((6, 6), value), node=node)))
    rows[0].insert(0, Panel(make_map(np.zeros((6, 6))), "image"))
    rows[1].insert(0, None)
    return Block(rows)


def test_several_nodes_are_named_with_their_values(make_map: MapMaker) -> None:
    layout = Layout(("penultimate layer", "output layer"), ("image", "first", "second"))
    drawing = heatmap_panels([nodes_of(make_map)], layout)
    said = words(drawing.figure)
    equals = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    for expected in ("African elephant\nscore 0.750", f"tusker\np{equals}0.12", "output layer"):
        assert expected in said
    assert [title in said for title in layout.columns] == [True] * 3
    assert "Rows of an image, from the top: penultimate layer, output layer." in drawing.caption
    assert "what is explained and its value" in drawing.caption
    assert len(drawing.figure.axes) == 5 + 1
    places = [(entry["row"], entry["column"]) for entry in drawing.numbers["rows"][0]]
    assert places == [(0, 1), (0, 2), (1, 1), (1, 2)]


@pytest.mark.parametrize("across", [1, 2])
@pytest.mark.parametrize("size", [0.8, 4.0])
def test_no_text_lies_over_another_or_outside(make_map: MapMaker, across: int, size: float) -> None:
    """With the longest names that there may be, and rows lower than their labels."""
    long = {"label": "sulphur-crested cockatoo, Kakatoe galerita", "predicted": "white wolf" * 4}
    nodes = [{"class": "great white shark, man-eater " * 3, "value": -1234.5, "kind": "score"}, {}]
    maps = [
        make_map(np.full((4, 12), -1234.5), "s" * 90, "x" * 80, method, node=node, **long)
        for method in ("prediction-difference", "sensitivity", "random")
        for node in nodes
    ]
    with style.context():
        one_class, several = block_of(maps[::2]), block_of(maps[1:4])
        for block in (one_class, several):
            two_rows = Block([block.rows[0], block.rows[0]])
            layout = Layout(("a row's long title " * 3, ""), (), across, size)
            assert_all_text_is_readable(heatmap_panels([two_rows] * 2, layout).figure)


def test_one_map_has_room_for_all_that_is_said(make_map: MapMaker) -> None:
    shows = ("heatmap", "overlay", "mask")
    maps = [make_map(np.ones((5, 5))), make_map(np.ones((5, 5)), method="sensitivity")]
    with style.context():
        for across in (1, 2):
            layout = Layout(("",) * 6, ("a column",), across, 0.8)
            block = Block([[Panel(one, show)] for one in maps for show in shows])  # type: ignore[arg-type]
            assert_all_text_is_readable(heatmap_panels([block], layout).figure)


def test_the_caption_tells_every_parameter(rows: list[list[Map]]) -> None:
    caption = drawn(rows).caption
    expected = [
        "2 held-out images of dataset animals",
        "classifier net",
        "conditional sampling from prior patches",
        "k = 3, stride 1, S = 10",
        "360 forward passes an image",
        "probability of predicted, in bits",
        "gradient: sensitivity",
        "red is evidence for the explained class, blue is evidence against it, white is zero",
        "the maps of one row share one scale",
        "standard error of a pixel, from the finite number of draws: 0.250 bits",
        "Seed 7.",
    ]
    for words_expected in expected:
        assert words_expected in caption


def test_the_caption_tells_what_overlays_and_masks_are(make_map: MapMaker) -> None:
    maps = [make_map(np.eye(4)), make_map(np.eye(4), method="sensitivity")]
    overlaid = heatmap_panels([block_of(maps, show="overlay")], Layout(), "map").caption
    assert "Maps lie over the image, grey and lightened: colours multiply" in overlaid
    assert "each map has its own scale" in overlaid
    masked = heatmap_panels([block_of(maps, show="mask", top=0.1)], Layout()).caption
    assert "black are the 10% of the pixels with the largest absolute relevance" in masked
    assert "red is" not in masked


def test_maps_of_layers_and_several_classifiers_are_described(make_map: MapMaker) -> None:
    node = {"class": None, "kind": "feature_map", "value": 0.5, "probability": None, "rank": None}
    one = make_map(np.ones((4, 4)), explanation="a", node=node)
    other = make_map(np.ones((4, 4)), explanation="b", node=node, classifier="vgg")
    drawing = drawn([[one, other]])
    assert "explained for classifier net and vgg." in drawing.caption
    assert "red pixels raise the explained map or unit, blue ones lower it" in drawing.caption
    assert words(drawing.figure).count("mean 0.500") == 2
    assert "lowers (blue), raises (red)" in words(drawing.figure)
    assert "against (blue), for (red)" not in words(drawing.figure)
    mixed = words(drawn([[one, make_map(np.ones((4, 4)), explanation="c")]]).figure)
    assert "lowers (blue), raises (red)" in mixed
    assert "against (blue), for (red)" in mixed
