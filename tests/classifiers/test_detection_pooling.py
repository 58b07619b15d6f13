"""Detection-pooling networks: their formulas, their training, and what is published of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch

from example_networks import weights_sum
from prediction_difference.classifiers.detection_pooling import (
    DetectionPooling,
    RelevanceModel,
    SumPooling,
)
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.kinds.detection_pooling import DetectionPoolingNetwork
from prediction_difference.classifiers.loading import load_module
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import DataError


def spots(count: int = 400, classes: int = 2) -> Dataset:
    """Noise of 4 x 8 pixels, in half of which a spot is white."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % classes
    images = generator.uniform(0, 0.4, (count, 1, 4, 8)).astype(np.float32)
    columns = generator.integers(7, size=count)
    for image, label, column in zip(images, labels, columns, strict=True):
        image[0, 1:3, column : column + 2] += 0.6 * label
    return Dataset(
        images,
        tuple(f"image-{n}" for n in range(count)),
        labels,
        tuple("test" if n % 4 == 3 or n % 4 == 2 else "train" for n in range(count)),
        tuple(f"class {n}" for n in range(classes)),
        digest="spots",
    )


def settings(**others: Any) -> DetectionPoolingNetwork:
    known: dict[str, Any] = {"detectors": 40, "pooled": 10, "iterations": 2000, "shift": 0}
    known |= {"learning_rate": 3e-4, "check_every": 100, **others}
    return DetectionPoolingNetwork(kind="detection-pooling", dataset="spots", **known)


def test_scores_are_sums_of_detectors() -> None:
    """Equation 7, twice, and a threshold as the other score."""
    network = DetectionPooling(6, 8, 2, threshold=3.0)
    x = torch.randn(5, 1, 2, 3)
    w1, b1 = network.detection1.weight, network.detection1.bias
    w2, b2 = network.detection2.weight, network.detection2.bias
    pooled = (x.flatten(1) @ w1.T + b1).relu().view(5, 2, 4).sum(2)
    f = (pooled @ w2.T + b2).relu().sum(1)
    scores = network(x)
    torch.testing.assert_close(scores[:, 1], f)
    assert scores[:, 0].tolist() == [3.0] * 5


def test_pools_are_of_neighbours() -> None:
    assert SumPooling(6, 2)(torch.arange(6.0)[None]).tolist() == [[3.0, 12.0]]


def test_relevance_models_are_inhibited_from_above_only() -> None:
    one = RelevanceModel(3, 4, 6, 2)
    x, upper = torch.rand(2, 3), torch.rand(2, 4)
    plain = (x @ one.detection.weight.T).relu()
    a = (upper @ one.inhibition.weight.T + one.inhibition.bias).clamp(max=0)
    y = (x @ one.detection.weight.T + a).relu()
    torch.testing.assert_close(one.detected(x, upper), y)
    assert bool((y <= plain).all())
    torch.testing.assert_close(one(x, upper), y.view(2, 2, 3).sum(2))


def test_the_network_is_followed() -> None:
    network = DetectionPooling(6, 8, 2, 3.0).eval()
    x = torch.randn(5, 1, 2, 3)
    graph = follow(network, x[0])
    torch.testing.assert_close(graph.run(x)[graph.output], network(x))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("detection")
    card = make_classifier(settings(relevance_models=2), "d", spots(), 0, "cpu", folder)
    return folder, card


def test_it_learns_to_detect_with_biases_of_at_most_zero(trained: Any) -> None:
    folder, card = trained
    assert card.accuracy > 0.95
    module: Any = load_module(folder, card, "test")
    for layer in (module.network.detection1, module.network.detection2):
        assert float(layer.bias.detach().max()) <= 0
    assert module.network.pooling2.weight.tolist() == [[0.0] * 40, [1.0] * 40]
    scores = module(torch.from_numpy(spots().images))
    assert scores.shape == (400, 2)
    assert bool((scores[:, 0] == 50).all())


def test_relevance_models_learn_from_different_weights(trained: Any) -> None:
    folder, card = trained
    network: Any = load_module(folder, card, "test").network
    x = 2 * torch.from_numpy(spots().images).flatten(1) - 0.5
    with torch.no_grad():
        upper, relevance = network.upper_detectors(x), network.true_relevance(x)
        found = [one(x, upper) for one in network.models]
    assert not torch.equal(*found)
    for one in found:
        error = float((one - relevance).square().sum() / relevance.square().sum())
        assert error < 0.7  # of untrained ones: above 3


def test_history_tells_when_training_stopped(tmp_path: Path) -> None:
    wanted = settings(iterations=5000, patience=2, check_every=50)
    make_classifier(wanted, "d", spots(), 0, "cpu", tmp_path)
    history = pandas.read_csv(tmp_path / "history.csv")
    losses = history["validation_loss"]
    assert history["best"].sum() == 1
    assert history["best"].idxmax() == losses.idxmin()
    assert len(history) - 1 - losses.idxmin() == 2 or history["iteration"].iloc[-1] == 5000
    assert history["iteration"].tolist() == [50 * (n + 1) for n in range(len(history))]


def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    few = settings(iterations=30, check_every=10)
    for n, seed in enumerate((1, 1, 2)):
        make_classifier(few, "d", spots(), seed, "cpu", tmp_path / f"{n}")
    one, same, other = (weights_sum(tmp_path / f"{n}") for n in range(3))
    assert one == same
    assert one != other


def test_relevance_models_change_nothing_of_the_network(tmp_path: Path) -> None:
    found = []
    for count in (0, 1):
        few = settings(iterations=30, relevance_models=count)
        card = make_classifier(few, "d", spots(), 0, "cpu", tmp_path / f"{count}")
        module: Any = load_module(tmp_path / f"{count}", card, "test")
        found.append(module.network.detection1.weight)
    torch.testing.assert_close(*found)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="detects one of two classes, the dataset has 3"):
        make_classifier(settings(), "d", spots(classes=3), 0, "cpu", tmp_path)
    with pytest.raises(DataError, match="the output is 0 or not finite for all images"):
        make_classifier(settings(learning_rate=10.0), "d", spots(), 0, "cpu", tmp_path)
    with pytest.raises(ValueError, match="do not part into 7 pools"):
        settings(pooled=7)
