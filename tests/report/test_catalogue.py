"""What the interactive page offers, how it is told apart, and what it leaves out."""

import json
from pathlib import Path

import numpy as np
import pytest
from example_maps import class_node, example_map, layer_node, noise, stored

from prediction_difference.errors import StoreError
from prediction_difference.report.catalogue import ROOM, Catalogue, Room, catalogue
from prediction_difference.report.tables import Stored


def collected(*stores: Stored, room: Room = ROOM) -> Catalogue:
    return catalogue(stores, lambda path: f"../{path.as_posix()}", room)


def nodes(found: Catalogue) -> list[str]:
    return [one["facets"]["node"] for one in found.maps]


def test_every_map_has_its_facts():
    relevance = np.array([[0.5, -2.25], [1.0, 0.0]], np.float32)
    found = collected(stored(example_map(relevance, class_node("cat", 4, 2))))
    (one,) = found.maps
    assert one["facets"] == {
        "image": "one",
        "network": "net",
        "method": "prediction difference, marginal",
        "window": "3",
        "layer": "classes",
        "node": "probability 4 cat",
        "explanation": "evidence",
    }
    assert (one["rank"], one["probability"], one["value"]) == (2, 0.25, 1.0)
    assert (one["smallest"], one["largest"], one["largest_error"]) == (-2.25, 1.0, 0.25)
    assert (one["kind"], one["unit"]) == ("signed", "bits")
    assert "windows of side k = 3" in one["made"]
    assert found.stores[one["store"]]["link"] == "../attributions/evidence/one.zarr"
    assert ["window", "3"] in found.stores[one["store"]]["parameters"]
    assert ["seed", "7"] in found.stores[one["store"]]["parameters"]
    assert set(found.contents) == {"picture-0", "relevance-0", "error-0"}
    assert found.left_out == []


def test_facts_are_json_without_unknown_numbers():
    empty = np.full((2, 2), np.nan, np.float32)
    found = collected(stored(example_map(empty)))
    json.dumps([found.images, found.stores, found.maps], allow_nan=False)
    assert found.maps[0]["largest"] is None


def test_methods_without_draws_have_no_errors():
    found = collected(stored(example_map(noise(1, 3, 4), method="sensitivity")))
    assert "error" not in found.maps[0]["numbers"]
    assert found.maps[0]["facets"]["window"] is None
    assert found.maps[0]["kind"] == "unsigned"
    assert set(found.contents) == {"picture-0", "relevance-0"}


def test_a_picture_is_held_once_for_all_maps_of_an_image():
    first = stored(example_map(noise(1, 3, 4)))
    second = stored(example_map(noise(2, 3, 4), explanation="other"))
    found = collected(first, second)
    assert [one["image"] for one in found.maps] == [0, 0]
    assert [name for name in found.contents if name.startswith("picture")] == ["picture-0"]


def test_images_of_several_datasets_are_told_apart():
    maps = [example_map(noise(n, 3, 4), dataset=name) for n, name in enumerate("ab")]
    found = collected(*(stored(one, folder=str(n)) for n, one in enumerate(maps)))
    assert [image["name"] for image in found.images] == ["one (a)", "one (b)"]
    assert [image["title"] for image in found.images] == ["one", "one"]
    assert len(found.maps) == 2


def test_predicted_class_and_label_are_one_map_where_they_agree():
    same = example_map(noise(1, 3, 4))
    found = collected(stored(same, same, example_map(noise(2, 3, 4), class_node("dog", 2, 2))))
    assert nodes(found) == ["probability 1 cat", "probability 2 dog"]
    assert found.left_out == []


def test_classes_of_one_name_are_told_apart():
    crane, other = class_node("crane", 134), class_node("crane", 517, 2)
    found = collected(
        stored(example_map(noise(1, 3, 4), crane), example_map(noise(2, 3, 4), other))
    )
    assert len(set(nodes(found))) == 2


def test_volumes_and_removed_layers_are_left_out_and_told():
    volume = stored(example_map(noise(1, 3, 4, 5), explanation="brains"))
    removed = example_map(
        noise(2, 2, 2),
        image=noise(3, 1, 4, 4),
        explanation="hidden",
        removed={"layer": "conv", "features": "windows", "shape": [8, 2, 2]},
    )
    found = collected(volume, stored(removed, removed), stored(example_map(noise(4, 3, 4))))
    assert len(found.maps) == 1
    assert found.left_out == [
        "brains (volumes; figures show them in slices): 1 map.",
        "hidden, removed layer conv (its places are no pixels): 2 maps.",
    ]


def layers_and_a_class(count: int) -> Stored:
    """Map number n has relevance that grows with n, the class has the smallest of all."""
    inner = [example_map((n + 1) * noise(n, 9, 9), layer_node(n)) for n in range(count)]
    return stored(*inner, example_map(0.1 * noise(99, 9, 9)))


def size_of(found: Catalogue) -> int:
    return sum(map(len, found.contents.values()))


def test_a_full_page_has_classes_and_the_strongest_maps_of_layers():
    whole = collected(layers_and_a_class(6))
    some = collected(layers_and_a_class(6), room=Room(page=size_of(whole) * 2 // 3))
    shown = len(some.maps)
    assert 1 < shown < 7
    strongest = [f"map {n} of inner" for n in range(6 - (shown - 1), 6)]
    assert nodes(some) == [*strongest, "probability 1 cat"]
    (line,) = some.left_out
    assert line.startswith(f"evidence, inner: {7 - shown} of 6 maps, the weakest of each image,")
    assert size_of(some) <= size_of(whole) * 2 // 3


def test_every_store_gets_its_strongest_maps():
    maps = [example_map(noise(n, 9, 9), layer_node(n)) for n in range(4)]
    weak = [
        example_map(0.001 * noise(n, 9, 9), layer_node(n), explanation="weak") for n in range(4)
    ]
    whole = collected(stored(*maps), stored(*weak))
    some = collected(stored(*maps), stored(*weak), room=Room(page=size_of(whole) * 6 // 10))
    assert {one["facets"]["explanation"] for one in some.maps} == {"evidence", "weak"}


def test_a_map_that_is_too_large_does_not_keep_others_out():
    large, small = example_map(noise(1, 60, 60)), example_map(noise(2, 9, 9), image_name="two")
    found = collected(stored(large), stored(small), room=Room(map=2000))
    assert [one["facets"]["image"] for one in found.maps] == ["two"]
    assert found.left_out == ["evidence, classes: 1 of 2 maps, since a map may take 0.002 MB."]


def test_a_store_whose_parts_do_not_fit_is_refused():
    broken = example_map(noise(1, 3, 4), image=noise(2, 1, 4, 3))
    with pytest.raises(StoreError, match=r"one\.zarr: its relevance has sides \(3, 4\), its image"):
        collected(stored(broken))


def test_nothing_to_show_is_no_error():
    found = collected()
    assert (found.maps, found.left_out) == ([], [])
    assert collected(Stored(Path("empty.zarr"), [])).maps == []
