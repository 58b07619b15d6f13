"""A tiny network on a tiny image, ready to be measured."""

import dataclasses

import benchmark_networks
import pytest

from prediction_difference.benchmark.inputs import make_inputs, randomise
from prediction_difference.benchmark.settings import BenchmarkSettings, Network
from prediction_difference.benchmark.subject import Subject

SIDE, WINDOW, PATCH, SAMPLES = 20, 4, 6, 3


@pytest.fixture(scope="session")
def shared_subject() -> Subject:
    settings = BenchmarkSettings(
        networks={"tiny": Network(architecture="unused", side=SIDE)},
        patches=2000,
    )
    inputs = make_inputs(settings, SIDE, WINDOW, PATCH)
    network = benchmark_networks.with_normalisation().eval()
    randomise(network, SIDE, seed=0)
    return Subject(network, inputs.image, inputs.sampler, SAMPLES, "cpu", seed=0)


@pytest.fixture
def subject(shared_subject) -> Subject:
    return dataclasses.replace(shared_subject)
