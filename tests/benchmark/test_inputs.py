"""Images and networks that are measured on behave like those that users have."""

import benchmark_networks
import numpy as np
import pytest
import torch
from torch import nn

from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.benchmark.inputs import make_network, natural_image, randomise
from prediction_difference.benchmark.settings import Network
from prediction_difference.errors import DataError


def test_images_have_the_spectrum_of_photographs():
    """Power falls with the square of the frequency: by 2 decades over 1 decade."""
    image = natural_image(seed=3, side=128).mean(0)
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    band = (frequency > 0.02) & (frequency < 0.25)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-2, abs=0.3)


def test_images_are_the_same_for_a_seed_and_have_alike_channels():
    image = natural_image(seed=3, side=32)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    np.testing.assert_array_equal(image, natural_image(seed=3, side=32))
    assert (image != natural_image(seed=4, side=32)).any()
    assert np.corrcoef(image.reshape(3, -1))[0, 1] > 0.7


def test_random_networks_are_seeded_and_tell_classes_apart():
    networks = [benchmark_networks.with_normalisation().eval() for _ in range(2)]
    for network in networks:
        randomise(network, 24, seed=5)
    images = torch.from_numpy(np.stack([natural_image(5 + n, 24) for n in range(4)]))
    with torch.inference_mode():
        first, second = (network(images) for network in networks)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert float(first.std(1).mean()) == pytest.approx(2.5, rel=1e-4)
    norm = networks[0][1]
    assert len(norm.running_var.unique()) == len(norm.weight.unique()) == norm.num_features
    assert not networks[0].training


def test_multiply_accumulates_are_counted_by_hand():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1, groups=1),
        nn.Conv2d(8, 8, 3, groups=4),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 10),
    )
    counted = multiply_accumulates(network, np.zeros((3, 12, 12), dtype=np.float32))
    assert counted == [36 * 8 * 27, 16 * 8 * 18, 8 * 16 * 10]


def test_resnet18_has_its_known_number_of_multiply_accumulates():
    network = make_network(Network(architecture="resnet18", side=64), seed=0)
    counted = multiply_accumulates(network, np.zeros((3, 224, 224), dtype=np.float32))
    assert sum(counted) / 1e6 == pytest.approx(1814, abs=1)


def test_weights_that_do_not_fit_are_told(tmp_path):
    file = tmp_path / "weights.pt"
    torch.save({"conv.weight": torch.zeros(1)}, file)
    with pytest.raises(DataError, match="the weights do not fit the network"):
        make_network(Network(architecture="squeezenet1_1", weights=file), seed=0)
