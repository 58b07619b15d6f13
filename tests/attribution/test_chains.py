"""Chains of removed regions against full forward passes of every image."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import prediction_difference as pda
from example_networks import Calls, of_torchvision, small_networks
from prediction_difference.attribution.engines import chains as module
from prediction_difference.attribution.engines import perturbed
from prediction_difference.attribution.engines.chains import Chains
from prediction_difference.attribution.engines.perturbed import PerturbedScores
from prediction_difference.classifiers import caffe
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.networks import Normalise, Preprocessed
from prediction_difference.errors import DataError


def chains_of(shape, side, links, chains=2, seed=1):
    """An image, the first pixels of some regions of a grid, in any order, and their contents."""
    generator = np.random.default_rng(seed)
    cells = np.stack(np.meshgrid(*[np.arange(n // side) for n in shape[1:]], indexing="ij"), -1)
    corners = generator.permutation(cells.reshape(-1, len(shape) - 1))[:links] * side
    contents = generator.random((chains, len(corners), shape[0], *[side] * (len(shape) - 1)))
    image = torch.tensor(generator.random(shape), dtype=torch.float32)
    return image, corners, torch.tensor(contents, dtype=torch.float32)


def full(network, image, corners, contents):
    """(chains, L + 1, K) class scores, each image made and run by itself."""
    rows = []
    for chain in contents:
        images = [image.clone()]
        for corner, content in zip(corners, chain, strict=True):
            after = images[-1].clone()
            place = tuple(
                slice(c, c + side) for c, side in zip(corner, content.shape[1:], strict=True)
            )
            after[(slice(None), *place)] = content
            images.append(after)
        rows.append(torch.stack([network(one[None])[0] for one in images]))
    return torch.stack(rows)


def assert_equal(network, shape, side, links, share=1e-4, dtype=torch.float32):
    image, corners, contents = chains_of(shape, side, links)
    with torch.inference_mode():
        expected = full(network, image, corners, contents)
        found = Chains(follow(network, image), side, dtype).scores(image, corners, contents)
    assert found.shape == expected.shape
    scale = float(expected.max() - expected.min())
    assert float((found - expected).abs().max()) <= share * scale


@settings(deadline=None, max_examples=30)
@given(st.data())
@pytest.mark.parametrize("shape", [(2, 12, 11), (1, 6, 7, 8)])
def test_any_network_gives_what_full_passes_give(shape, data):
    network = data.draw(small_networks(shape, most=4))
    assert_equal(network, shape, data.draw(st.integers(1, 3)), links=6)


@pytest.mark.parametrize(
    ("name", "side"), [("alexnet", 96), ("googlenet", 64), ("resnet18", 64), ("squeezenet1_1", 70)]
)
def test_networks_of_torchvision_give_what_full_passes_give(name, side):
    network = of_torchvision(name, is_normalised=True, num_classes=10)
    assert_equal(network, (3, side, side), side=9, links=12)


def test_googlenet_of_caffe_gives_what_full_passes_give():
    torch.manual_seed(0)
    normalise = Normalise((104.0, 117.0, 123.0), (1.0, 1.0, 1.0), 255.0, is_reversed=True)
    network = Preprocessed(normalise, caffe.googlenet()).eval()
    assert_equal(network, (3, 224, 224), side=9, links=5)


def test_low_precision_gives_about_that():
    network = of_torchvision("squeezenet1_1", is_normalised=True, num_classes=10)
    assert_equal(network, (3, 70, 70), side=9, links=12, share=0.03, dtype=torch.bfloat16)


def test_a_chain_may_be_cut_anywhere(monkeypatch):
    network = of_torchvision("squeezenet1_1", num_classes=10)
    monkeypatch.setattr(module, "_LINKS", 4)
    monkeypatch.setattr(module, "_IMAGES", 4)
    assert_equal(network, (3, 64, 64), side=9, links=10)


@pytest.fixture
def said(capsys):
    perturbed._say_once.cache_clear()
    return lambda: capsys.readouterr().err.splitlines()


def test_curves_are_the_same_with_and_without(generator):
    network = of_torchvision("squeezenet1_1", is_normalised=True, num_classes=10)
    image = generator.uniform(size=(3, 112, 112)).astype(np.float32)
    relevance = generator.normal(size=(112, 112))
    scores = PerturbedScores(network)
    calls = []

    def along(*chains):
        found = scores.along(*chains)
        calls.append(found)
        return found[..., 3]

    def curves(along=None):
        return pda.perturbation_curves(
            lambda images: scores(images)[:, 3],
            image,
            relevance,
            steps=30,
            repeats=2,
            along=along,
        )

    found, expected = curves(along), curves()
    assert len(calls) == 1
    assert found.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.ptp(expected))
    np.testing.assert_array_equal(curves(lambda *_: None), expected)


def test_small_networks_and_few_images_run_whole():
    image, corners, contents = chains_of((3, 70, 70), 9, 20)
    network = of_torchvision("squeezenet1_1", num_classes=10)
    assert PerturbedScores(network, forwards=10).along(image, corners, contents) is None
    tiny = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    tiny(image[None])
    with torch.inference_mode():
        found = PerturbedScores(tiny.eval(), forwards=10**9).along(image, corners, contents)
    assert found is None


def test_networks_that_cannot_be_followed_run_whole_and_it_is_said(said):
    network = of_torchvision("squeezenet1_1", num_classes=10)
    odd = nn.Sequential(Calls(lambda x: x.cumsum(-1)), network).eval()
    image, corners, contents = chains_of((3, 70, 70), 9, 20)
    scores = PerturbedScores(odd)
    with torch.inference_mode():
        assert scores.along(image, corners, contents) is None
        assert scores.along(image, corners, contents) is None
    (line,) = said()
    assert "running the network whole for every perturbed image" in line


def test_low_precision_is_close_for_images_by_themselves():
    network = of_torchvision("alexnet", is_normalised=True, num_classes=10)
    images = torch.rand(4, 3, 70, 70)
    with torch.inference_mode():
        expected = PerturbedScores(network)(images)
        found = PerturbedScores(network, precision="bfloat16")(images)
    assert found.dtype == torch.float32
    assert 0 < float((found - expected).abs().max()) < 0.03 * float(expected.abs().max())


def test_layers_that_do_not_run_in_low_precision_run_in_float32(said):
    def refuses(x):
        if x.dtype == torch.bfloat16:
            raise NotImplementedError("not implemented for 'BFloat16'")
        return x

    network = nn.Sequential(Calls(refuses), nn.Flatten(), nn.Linear(12, 2)).eval()
    images = torch.rand(3, 3, 2, 2)
    scores = PerturbedScores(network, precision="bfloat16")
    with torch.inference_mode():
        assert torch.equal(scores(images), PerturbedScores(network)(images))
        assert scores.batch_size(images[0].numpy()) > 1
        scores(images)
    assert scores.goes_on_in_float32
    assert len(said()) == 1


def test_scores_that_are_not_finite_are_refused():
    network = nn.Sequential(nn.Flatten(), Calls(lambda x: x / 0))
    with pytest.raises(DataError, match="values that are not finite"):
        PerturbedScores(network)(torch.rand(2, 1, 3, 3))
