"""CLEAR maps against their equations."""

import colorsys
import itertools
from typing import Any

import numpy as np
import pytest
import torch
import xarray
from torch import nn

import prediction_difference as pda
from prediction_difference.attribution.clear import (
    FULL_FROM,
    class_colours,
    class_maps,
    clear,
    for_and_against,
)
from prediction_difference.errors import DataError, StoreError

VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
"""Linear red, green and blue as they are seen, by the model of Machado et al. (2009), table 1."""


def test_every_pixel_has_the_class_that_responds_most(generator: Any) -> None:
    responses = generator.normal(size=(4, 5, 3))
    found = pda.clear(responses)
    for place in np.ndindex(5, 3):
        own = responses[(slice(None), *place)]
        assert found.classes[place] == own.argmax()
        assert found.response[place] == own.max()


def test_areas_and_sums_are_those_of_loops(generator: Any) -> None:
    responses = generator.normal(size=(3, 6, 6)) - 0.5
    found = clear(responses)
    areas, sums = np.zeros(3), np.zeros(3)
    for c, response in zip(found.classes.ravel(), found.response.ravel(), strict=True):
        areas[c] += response > 0
        sums[c] += max(response, 0)
    np.testing.assert_array_equal(found.areas(3), areas)
    strong = found.response >= 0.4 * found.response.max()
    np.testing.assert_array_equal(
        found.areas(3, 0.4), [(found.classes[strong] == c).sum() for c in range(3)]
    )
    np.testing.assert_allclose(found.sums(3), sums)


def test_pictures_are_hsv_with_the_response_as_value(generator: Any) -> None:
    """Equation 6, by the standard library."""
    responses = generator.normal(size=(5, 4, 4))
    found = clear(responses)
    picture = found.picture(class_colours(5))
    largest = found.response.max()
    for place in np.ndindex(4, 4):
        value = max(found.response[place], 0) / largest
        expected = colorsys.hsv_to_rgb(found.classes[place] / 5, 1, value)
        np.testing.assert_allclose(picture[place], expected, atol=1e-12)


def test_a_percentile_has_full_strength(generator: Any) -> None:
    found = clear(generator.normal(size=(3, 20, 20)))
    positive = found.response.clip(0)
    full = np.percentile(positive[positive > 0], 90)
    np.testing.assert_allclose(found.strength(90), np.minimum(positive / full, 1))
    assert 0.05 < (found.strength(90) == 1).mean() < 0.15
    assert (found.strength() == 1).sum() == 1


def test_nothing_responds_in_the_dark() -> None:
    picture = clear(-np.ones((2, 3, 3))).picture(class_colours(2))
    assert (picture == 0).all()


@pytest.mark.parametrize("count", [2, 7, 10])
def test_colours_are_different(count: int) -> None:
    for palette in ("hues", "distinct"):
        colours = class_colours(count, palette)  # type: ignore[arg-type]
        assert colours.shape == (count, 3)
        assert 0 <= colours.min() <= colours.max() <= 1
        assert len({tuple(np.round(colour, 3)) for colour in colours}) == count


@pytest.mark.parametrize("vision", VISIONS)
def test_distinct_colours_are_told_apart_as_maps_show_them(vision: str, generator: Any) -> None:
    """By scikit-image's CIEDE2000, of which 1 is just noticed; hues come to less than 5."""
    skimage_color = pytest.importorskip("skimage.color")
    responses = generator.random((10, 30, 30))
    shown = clear(responses).picture(class_colours(10, "distinct"), "distinct").reshape(-1, 3)
    colours = np.unique(shown.round(6), axis=0)
    assert len(colours) == 10 + (clear(responses).strength() < FULL_FROM).any()
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.asarray(VISIONS[vision]).T).clip(0, 1)
    display = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = skimage_color.rgb2lab(display)
    assert (
        min(
            skimage_color.deltaE_ciede2000(one, other)
            for one, other in itertools.combinations(lab, 2)
        )
        > 6
    )


def stored(maps: np.ndarray, nodes: list[dict[str, Any]], image: tuple[int, ...]) -> Any:
    """As much of an attribution store as is looked at."""
    arrays = {"relevance": maps, "image": np.zeros((1, *image))}
    return xarray.Dataset(
        {
            name: ([f"{name}_{axis}" for axis in range(array.ndim)], array)
            for name, array in arrays.items()
        },
        attrs={"explanation": "e", "slot": "random-1", "nodes": nodes},
    )


def node(number: int, kind: str = "score") -> dict[str, Any]:
    return {"kind": kind, "unit": number, "class": f"class {number}"}


def test_classes_of_a_store_are_there_once_in_their_order(generator: Any) -> None:
    maps = generator.random((4, 3, 3))
    found = class_maps(stored(maps, [node(7), node(2), node(7), node(0)], (3, 3)))
    assert found.numbers == (0, 2, 7)
    assert found.names == ("class 0", "class 2", "class 7")
    np.testing.assert_array_equal(found.maps, maps[[3, 1, 2]])


@pytest.mark.parametrize(
    ("nodes", "image", "message"),
    [
        ([node(1), node(1)], (3, 3), "explains 1 class, 2 are needed"),
        ([node(1), node(2, "probability")], (3, 3), "probabilities and scores"),
        ([node(1), {"kind": "map", "unit": 0, "class": None}], (3, 3), "nodes of layers"),
        ([node(1), node(2)], (6, 6), "a hidden layer's places"),
    ],
)
def test_stores_without_comparable_classes_are_refused(
    nodes: Any, image: Any, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        class_maps(stored(np.zeros((2, 3, 3)), nodes, image))


def test_binary_heatmaps_weigh_a_class_against_the_largest_other() -> None:
    responses = np.array([[[1.0, 2.0, -1.0]], [[3.0, 1.0, -2.0]], [[0.0, 1.5, -3.0]]])
    np.testing.assert_array_equal(for_and_against(responses, 0), [[-3, 2, 0]])
    np.testing.assert_array_equal(for_and_against(responses, 1), [[3, -2, 0]])


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="at least two classes"):
        clear(np.ones((1, 3, 3)))
    with pytest.raises(DataError, match="has 10 colours, and there are 11 classes"):
        class_colours(11, "distinct")


def all_convolutional() -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.ReLU(), nn.Conv2d(4, 3, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    ).eval()  # fmt: skip


def test_responses_are_passed_back_from_the_map_of_the_class(generator: Any) -> None:
    """Equation 3 with transposed convolutions; rectified on the way, as deconvolution does it."""
    network = all_convolutional()
    image = generator.random((2, 6, 6)).astype(np.float32)
    with torch.no_grad():
        maps = network[2](network[1](network[0](torch.from_numpy(image[None])))).relu()
    for c in range(3):
        signal = torch.zeros_like(maps)
        signal[:, c] = maps[:, c]
        back = nn.functional.conv_transpose2d(signal, network[2].weight)
        back = nn.functional.conv_transpose2d(back.relu(), network[0].weight)
        found = pda.heatmap(
            "deconvolution", network, image, pda.Node.score(c), norm="sum", start="response"
        )
        expected = back.detach().numpy()[0].sum(0)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_maps_of_classes_the_score_is_passed_back(generator: Any) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 2)).eval()
    image = generator.random((3, 2, 2)).astype(np.float32)
    with torch.no_grad():
        score = float(network(torch.from_numpy(image[None]))[0, 1])
    one, other = (
        pda.heatmap("deconvolution", network, image, pda.Node.score(1), norm="sum", start=start)
        for start in ("slope", "response")
    )
    np.testing.assert_allclose(other, max(score, 0) * one, atol=1e-5)


@pytest.mark.parametrize("method", ["lrp_epsilon", "lrp_alpha_beta"])
def test_a_class_with_a_negative_score_responds_nowhere_if_asked(method: str) -> None:
    """What speaks against it would else be positive in its map: -3 and 1 sum to a score of -2."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False)).eval()
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[-3.0, 1.0], [2.0, 1.0]]))
    image = np.ones((1, 1, 2), dtype=np.float32)
    negative, positive = (
        pda.heatmap(method, network, image, pda.Node.score(c), start="positive") for c in (0, 1)
    )
    assert (negative == 0).all()
    np.testing.assert_allclose(positive, pda.heatmap(method, network, image, pda.Node.score(1)))
    assert (pda.heatmap("lrp_alpha_beta", network, image, pda.Node.score(0))[0, 0]) > 0


def test_responses_that_are_not_finite_and_wrong_options_are_refused() -> None:
    responses = np.zeros((2, 3, 3))
    found = clear(responses)
    responses[1, 2, 2] = np.nan
    with pytest.raises(DataError, match="responses: holds NaN or infinity at 1 of 18 places"):
        clear(responses)
    with pytest.raises(DataError, match=r"palette='hue': is unknown; did you mean 'hues'\?"):
        found.picture(np.eye(3)[:2], "hue")
    with pytest.raises(DataError, match="full_at=101: is more than 100; set it to 100 or less"):
        found.strength(101)
    with pytest.raises(DataError, match="least=-1: is less than 0; set it to 0 or more"):
        found.areas(2, -1)
