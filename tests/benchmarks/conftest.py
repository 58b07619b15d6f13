"""A tiny network on a tiny image, ready to be measured."""

import benchmark_networks
import pytest

from benchmarks.settings import BenchmarkSettings, Network
from benchmarks.subject import Subject, make_subject, randomise


@pytest.fixture(scope="session")
def subject() -> Subject:
    network = Network(architecture="unused", side=20)
    options = {"window": 4, "patch": 6, "samples": 3, "patches": 2000}
    settings = BenchmarkSettings(networks={"tiny": network}, **options)
    module = benchmark_networks.with_normalisation().eval()
    randomise(module, network.side, seed=0)
    return make_subject(settings, network, "cpu", module)
