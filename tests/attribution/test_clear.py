"""CLEAR maps against their equations."""

import colorsys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from prediction_difference.attribution.clear import class_colours, clear, for_and_against
from prediction_difference.errors import DataError


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
