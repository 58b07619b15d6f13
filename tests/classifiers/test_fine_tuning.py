"""New layers behind known ones: the known ones stay, the new ones learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from example_networks import of_torchvision
from prediction_difference.attribution.relevance.passing import class_maps
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.loading import load_module, read_predictions
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import DataError


def blobs(count: int = 60) -> Dataset:
    """Red or blue squares on noise."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = generator.uniform(0, 0.5, (count, 3, 64, 64)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[2 * label, 16:48, 16:48] = 1.0
    split = tuple("test" if n % 3 == 2 else "train" for n in range(count))
    names = tuple(f"image-{n}" for n in range(count))
    return Dataset(images, names, labels, split, ("red", "blue"), digest="blobs")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "squeezenet.safetensors"
    save_file(of_torchvision("squeezenet1_1").state_dict(), path)
    return path


def settings(weights: Path, **others: Any) -> FineTunedNetwork:
    known: dict[str, Any] = {"model": "squeezenet1_1", "width": 8, "epochs": 12, "batch_size": 8}
    known |= {"dropout": 0.0, "learning_rate": 1e-2, **others}
    return FineTunedNetwork(kind="fine-tuned", dataset="blobs", weights=str(weights), **known)


def test_new_layers_learn_and_known_ones_stay(weights: Path, tmp_path: Path) -> None:
    dataset = blobs()
    card = make_classifier(settings(weights), "tuned", dataset, 0, "cpu", tmp_path)
    assert card.accuracy is not None
    assert card.accuracy > 0.9
    module: Any = load_module(tmp_path, card, "test")
    expected = {
        name.removeprefix("features."): tensor
        for name, tensor in of_torchvision("squeezenet1_1").state_dict().items()
        if name.startswith("features.")
    }
    found = module.network.body.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    with torch.no_grad():
        scores = module(torch.from_numpy(dataset.images)).numpy()
    np.testing.assert_array_equal(scores.argmax(1), read_predictions(tmp_path)["predicted"])


def test_every_class_has_a_map(weights: Path, tmp_path: Path) -> None:
    card = make_classifier(settings(weights, epochs=1), "tuned", blobs(12), 0, "cpu", tmp_path)
    graph = follow(load_module(tmp_path, card, "test"), torch.rand(3, 64, 64))
    reduced, _ = graph.reduced([graph.output])
    assert len(reduced.steps[class_maps(reduced)].shape) == 3


def test_a_part_that_is_not_there_is_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no part 'body'; choose the first of features, class"):
        make_classifier(settings(weights, layer="body"), "t", blobs(12), 0, "cpu", tmp_path)
