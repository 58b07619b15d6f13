"""Training: what is shown to the network, and how exactly it is computed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.networks import build
from prediction_difference.classifiers.training import Examples, Trained, moved, train


def settings(**changes) -> TrainedNetwork:
    given = {"kind": "train", "dataset": "x", "width": 4, "epochs": 6, "batch_size": 8, **changes}
    return TrainedNetwork.model_validate(given)


def stripes(count: int, seed: int) -> Examples:
    """Two classes: bright rows or bright columns, in noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = generator.uniform(0, 0.5, (count, 1, 8, 8)).astype(np.float32)
    images[labels == 0, :, ::2] += 0.5
    images[labels == 1, :, :, ::2] += 0.5
    return Examples(images, labels)


def trained(**changes) -> tuple[Trained, dict[str, torch.Tensor]]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = build(settings(**changes), (1, 8, 8), 2)
        result = train(network, stripes(80, 0), stripes(80, 1), settings(**changes), 7, "cpu")
    return result, network.state_dict()


@pytest.mark.parametrize(
    "changes", [{"flip": True}, {"shift": 1}, {"precision": "bfloat16"}, {"dropout": 0.5}]
)
def test_every_way_of_training_learns_and_can_be_repeated(changes):
    (one, weights), (two, again) = trained(**changes), trained(**changes)
    assert one.history[-1]["test_accuracy"] > 0.9
    assert one.history == two.history
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert all(t.dtype != torch.bfloat16 for t in weights.values())
    assert any(not torch.equal(weights[n], t) for n, t in trained()[1].items())


def test_what_is_kept_is_a_copy():
    result, weights = trained(checkpoints=(0, 3, 6))
    assert list(result.kept) == [0, 3, 6]
    for name, tensor in weights.items():
        np.testing.assert_array_equal(result.kept[6][name], tensor)
    assert any((result.kept[0][n] != result.kept[3][n]).any() for n in weights)


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_moved_images_are_what_loops_give(down, right):
    images = np.arange(2 * 2 * 4 * 5, dtype=np.float32).reshape(2, 2, 4, 5)
    offsets = torch.tensor([[down, 0], [right, 1]])
    found = moved(torch.from_numpy(images), offsets).numpy()
    for n in range(2):
        for y in range(4):
            for x in range(5):
                source = y - int(offsets[0, n]), x - int(offsets[1, n])
                row, column = np.clip(source, 0, (3, 4))
                np.testing.assert_array_equal(found[n, :, y, x], images[n, :, row, column])
