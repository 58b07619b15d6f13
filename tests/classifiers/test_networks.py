"""What networks do to images first."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.networks import (
    all_convolutional,
    volume_convolutional,
    with_preprocessing,
)
from prediction_difference.classifiers.normalisation import NORMALISATIONS, AnyNormalisation

READ = TypeAdapter(AnyNormalisation).validate_python


@pytest.mark.parametrize("sides", [(4, 5), (3, 4, 5)])
def test_normalisation_is_its_formula(sides):
    image = np.random.default_rng(0).random((2, 3, *sides), dtype=np.float32)
    settings = {"mean": (10, 20, 30), "std": (2, 4, 8), "scale": 255, "order": "bgr"}
    network = with_preprocessing(nn.Identity(), READ(settings))
    found = network(torch.from_numpy(image)).numpy()
    for channel in range(3):
        expected = (255 * image[:, 2 - channel] - 10 * (channel + 1)) / 2 ** (channel + 1)
        np.testing.assert_allclose(found[:, channel], expected, rtol=1e-5, atol=1e-4)


def test_white_and_black_as_caffe_has_them():
    network = with_preprocessing(nn.Identity(), READ("caffe"))
    white, black, red = torch.ones(3), torch.zeros(3), torch.tensor([1.0, 0, 0])
    found = network(torch.stack([white, black, red])[:, :, None, None])[:, :, 0, 0]
    assert found.tolist() == [[151, 138, 132], [-104, -117, -123], [-104, -117, 132]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("cafe", "there is no 'cafe'; choose from imagenet, caffe"),
        ({"mean": (0, 0), "std": (1, 1, 1)}, "different lengths"),
        ({"mean": (0,), "std": (0,)}, "not positive"),
        ({"mean": (0,), "std": (1,), "order": "bgr"}, "bgr are three channels, not 1"),
        ({"mean": (0,), "std": (1,), "scale": 0}, "greater than 0"),
    ],
)
def test_normalisations_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        READ(settings)


def test_names_and_numbers_are_read_back_from_a_card():
    for normalisation in NORMALISATIONS.values():
        assert READ(normalisation.model_dump(mode="json")) == normalisation


class Weighted(nn.Module):
    """Multiplies by a buffer that is not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(3.0), persistent=False)
        self.layer = nn.Conv2d(3, 2, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images * self.factor).mean((2, 3))


def test_networks_with_buffers_that_are_not_saved_are_followed():
    network = with_preprocessing(Weighted(), READ("imagenet")).eval()
    image = torch.rand(3, 5, 6)
    graph = follow(network, image)
    with torch.inference_mode():
        np.testing.assert_allclose(graph.run(image[None])[-1], network(image[None]), rtol=1e-5)


def test_layers_have_the_names_of_the_bare_network():
    bare = Weighted()
    network = with_preprocessing(bare, READ("imagenet"))
    assert network.get_submodule("layer") is bare.layer
    assert network.get_submodule("network.layer") is bare.layer
    with pytest.raises(AttributeError):
        network.get_submodule("other")


@pytest.mark.parametrize(("pooling", "stride", "pools"), [("strides", 2, 0), ("max", 1, 2)])
def test_all_cnn_has_nearly_the_convolutions_of_its_source(pooling, stride, pools):
    """ALL-CNN-C of Springenberg et al., or with maxima in place of its strides."""
    network = all_convolutional(3, 10, width=96, dropout=0.5, halvings=2, pooling=pooling)
    found = [layer for layer in network if isinstance(layer, nn.Conv2d)]
    maps = [(layer.in_channels, layer.out_channels) for layer in found]
    assert maps == [(3, 96), (96, 96), (96, 192), *[(192, 192)] * 5, (192, 10)]
    assert [layer.stride[0] for layer in found] == [1, 1, stride, 1, 1, stride, 1, 1, 1]
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in network) == pools
    assert network[:-3](torch.zeros(1, 3, 32, 32)).shape == (1, 192, 8, 8)
    assert network.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_a_network_for_volumes_has_one_map_per_class(halvings):
    network = volume_convolutional(1, 3, 4, 0.2, halvings).eval()
    volumes = torch.rand(2, 1, 12, 21, 18)
    maps = network[:-2](volumes)
    assert maps.shape == (2, 3, *(-(-side // 2 ** (halvings + 1)) for side in (12, 21, 18)))
    torch.testing.assert_close(network(volumes), maps.mean((2, 3, 4)))
    assert follow(network, volumes[0]) is not None


@pytest.mark.parametrize("key", [{"flip": True}, {"shift": 1}, {"pooling": "max"}])
def test_volumes_are_not_turned_as_pictures_are(key):
    with pytest.raises(ValidationError, match="is for 2-D images, not for volumes; remove it"):
        TrainedNetwork(kind="train", dataset="brains", architecture="volume-convolutional", **key)
