"""Before the first job: problems of the file, of the data and of names, in one list."""

import copy

import numpy as np
import pytest
from PIL import Image

from prediction_difference.errors import ConfigError
from prediction_difference.preflight import checked_config


@pytest.fixture
def raw(tmp_path):
    for name in ("cats/tom", "cats/felix", "dogs/rex", "dogs/bello"):
        file = tmp_path / "photos" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(file)
    return {
        "datasets": {
            "photos": {
                "source": "image-folder",
                "root": str(tmp_path / "photos"),
                "folds": 2,
                "channels": 1,
            }
        },
        "classifiers": {"net": {"kind": "train", "dataset": "photos", "width": 2}},
        "explanations": {
            "maps": {
                "method": "sensitivity",
                "classifier": "net",
                "images": ["cats/tom", "dogs/rex"],
                "nodes": [{"of": "dogs"}],
            }
        },
    }


def problems(raw):
    with pytest.raises(ConfigError, match="problem") as caught:
        checked_config(raw)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_right_passes(raw):
    assert checked_config(raw).explanations["maps"].images == ("cats/tom", "dogs/rex")


def test_images_and_classes_that_the_folder_does_not_have_are_named(raw):
    raw["explanations"]["maps"] |= {"images": ["cats/tim"], "nodes": [{"of": "dog"}]}
    assert problems(raw) == [
        "explanations.maps.images: there is no image 'cats/tim'; did you mean 'cats/tom'?",
        "explanations.maps.nodes.0.of: there is no class 'dog'; did you mean 'dogs'?",
    ]


def test_a_class_that_the_config_alone_rules_out_is_told_once(raw):
    raw["datasets"]["photos"] = {"source": "sklearn-digits"}
    raw["explanations"]["maps"] |= {"images": ["digit-0001"], "nodes": [{"of": "ten"}]}
    (problem,) = problems(raw)
    assert "no class 'ten'" in problem


def test_mistakes_of_file_data_and_names_are_told_together(raw):
    raw = copy.deepcopy(raw)
    raw["rum"] = {}
    raw["datasets"]["missing"] = {"source": "image-folder", "root": "no/such/folder"}
    raw["classifiers"]["own"] = {
        "kind": "torch",
        "dataset": "photos",
        "factory": "a:b",
        "weights": "no.safetensors",
        "training_instances": 1,
    }
    raw["explanations"]["maps"]["images"] = ["rex"]
    found = problems(raw)
    assert len(found) == 4
    for part, problem in zip(
        ("rum: this key", "no/such/folder", "no.safetensors", "no image 'rex'"),
        found,
        strict=True,
    ):
        assert part in problem
