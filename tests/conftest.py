"""Fixtures that several tests share: small real things, no mocks."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

settings.register_profile("project", deadline=None, max_examples=50)
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: begun last, they would keep one test process waiting for the other."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Two test processes on two cores would otherwise wait for each other's threads."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(20170215)


@pytest.fixture(scope="session")
def pda_data() -> Path:
    """The folder of real data, for tests with the mark realdata."""
    if "PDA_DATA" not in os.environ:
        pytest.skip("PDA_DATA does not name a folder of real data")
    return Path(os.environ["PDA_DATA"])
