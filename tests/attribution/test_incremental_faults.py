"""What the incremental engine once did wrong, or might: it is as full passes, or gives way."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from example_networks import Calls
from prediction_difference.attribution.engines.dense import DenseEngine, DenseImage
from prediction_difference.attribution.engines.incremental import (
    IncrementalEngine,
    IncrementalImage,
    _say_why,
)
from prediction_difference.attribution.engines.passage import Passage
from prediction_difference.errors import DataError

SEED = 5


def images_of(*shape, count=5):
    return np.random.default_rng(1).random((count, *shape)).astype(np.float32)


def corners_of(shape, window):
    axes = [np.arange(side - window + 1) for side in shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))


class Wide:
    """Draws far beyond the values of images, so that nothing is as it is for the image."""

    def __init__(self, window):
        self.window = window

    def sample(self, image, corners, samples, seed):
        shape = (samples, len(image), *(self.window,) * (image.ndim - 1))
        draws = [np.random.default_rng([seed, *c]).normal(size=shape) for c in corners]
        return np.array(draws, dtype=np.float32)


def compared(module, images, window, samples=3, engine=None):
    """The prepared image, and how far means are from those of full passes, as a share of them."""
    nodes, corners = [pda.Node.score(0), pda.Node.score(1)], corners_of(images.shape[2:], window)
    engine = engine or IncrementalEngine(module)
    prepared = engine.prepare(images[0])
    found = prepared.expectation(corners, Wide(window), samples, SEED, nodes)
    dense = DenseEngine(module).prepare(images[0])
    expected = dense.expectation(corners, Wide(window), samples, SEED, nodes)
    away = np.abs(found.mean - expected.mean).max() / np.abs(expected.mean).max()
    return prepared, found, float(away)


def with_head(inner, shape, channels=3):
    """What is to be tested, a convolution, and class scores."""
    torch.manual_seed(0)
    places = int(np.prod(shape))
    return nn.Sequential(
        inner,
        (nn.Conv2d, nn.Conv3d)[len(shape) - 2](channels, 4, 3, padding=1),
        nn.Flatten(),
        nn.Linear(4 * places, 2),
    ).eval()


def test_a_single_channel_with_uneven_strides():
    """OneDNN leaves such an output unwritten where it is one place wide, in some layouts."""
    torch.manual_seed(0)
    for _ in range(5):
        module = nn.Sequential(
            nn.Conv2d(1, 8, (3, 5), (1, 2), (1, 2)),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 2),
        ).eval()
        prepared, _, away = compared(module, images_of(1, 10, 15), 1)
        assert isinstance(prepared, IncrementalImage)
        assert away < 1e-5


def written(write):
    """A call that writes into a copy of the images in its own way."""

    def call(x):
        y = x * 1.0
        write(y)
        return y

    return Calls(call)


def clamp_channel(y):
    y[:, 0] = y[:, 0].clamp(0, 1)


WRITES = {
    "slice": lambda y: y[:, :1].clamp_(0, 1),
    "flat": lambda y: y.flatten(1).clamp_(0, 1),
    "item": clamp_channel,
    "split": lambda y: y.split(1, 1)[0].clamp_(0, 1),
    "transposed": lambda y: y.transpose(2, 3).clamp_(0, 1),
    "itself": lambda y: y.clamp_(0, 1),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_that_change_nothing_of_the_image_but_of_draws(name):
    module = with_head(written(WRITES[name]), (6, 7))
    assert compared(module, images_of(3, 6, 7), 2)[2] < 1e-5


def branch_on_the_batch(x):
    return x * 2 if x.shape[0] > 4 else x


def under_gradients(x):
    with torch.enable_grad():
        return x * 2


CALLS = {
    "copy": lambda x: x + (x * 1.0).clone().clamp_(0, 1),
    "batch": branch_on_the_batch,
    "gradients": under_gradients,
    "one minus": lambda x: 1 - x * 0.5,
    "last channel first": lambda x: x[:, [-1, 0, 1]],
    "mask": lambda x: x[:, torch.tensor([True, True, True])],
    "double constant": lambda x: x * torch.tensor(0.5, dtype=torch.float64),
    "same kind": lambda x: x.float().to(torch.float32) + 1,
    "maxout": lambda x: nn.functional.max_pool3d(x, (1, 1, 1)) * 2,
    "map of minima": lambda x: torch.clamp(x, min=torch.linspace(0, 1, 42).view(6, 7)),
    "map of powers": lambda x: torch.pow(x.abs(), torch.linspace(1, 3, 42).view(6, 7)),
    "hidden infinity": lambda x: torch.sigmoid(torch.exp(500 * (x + 1))) + x,
}


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("name", CALLS)
def test_calls_that_are_followed_or_run_whole(name, window):
    module = with_head(Calls(CALLS[name]), (6, 7))
    assert compared(module, images_of(3, 6, 7), window)[2] < 1e-5


def test_changed_weights_are_noticed():
    module = with_head(nn.ReLU(), (6, 7))
    engine = IncrementalEngine(module)
    assert compared(module, images_of(3, 6, 7), 2, engine=engine)[2] < 1e-5
    with torch.no_grad():
        module[1].weight.mul_(1.7)
    prepared, _, away = compared(module, images_of(3, 6, 7), 2, engine=engine)
    assert isinstance(prepared, IncrementalImage)
    assert away < 1e-5


def test_a_window_larger_than_the_image_is_refused():
    sampler = pda.MarginalSampler(images_of(3, 9, 9), 9)
    module = with_head(nn.ReLU(), (6, 7))
    analysis = pda.PredictionDifference(module, sampler, window=9)
    with pytest.raises(DataError, match="does not fit"):
        analysis.attribute(images_of(3, 6, 7)[0], [pda.Node.score(0)])


@pytest.mark.parametrize("engine", ["dense", "incremental"])
def test_no_nodes_are_refused(engine):
    module, images = with_head(nn.ReLU(), (6, 7)), images_of(3, 6, 7)
    sampler = pda.MarginalSampler(images[1:], 2)
    analysis = pda.PredictionDifference(module, sampler, window=2, engine=engine)
    with pytest.raises(DataError, match="there are none to explain"):
        analysis.attribute(images[0], [])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_used_engine_can_be_copied(again):
    module = with_head(nn.GELU(), (6, 7))
    engine = IncrementalEngine(module)
    images = images_of(3, 6, 7)
    _, found, _ = compared(module, images, 2, engine=engine)
    _, same, _ = compared(module, images, 2, engine=again(engine))
    np.testing.assert_array_equal(found.mean, same.mean)


def test_more_samples_than_run_at_once(monkeypatch):
    module, images = with_head(nn.ReLU(), (6, 7)), images_of(3, 6, 7)
    sizes, inner = [], Passage.early

    def early(self, corners, contents):
        sizes.append(len(corners) * contents.shape[1])
        return inner(self, corners, contents)

    monkeypatch.setattr(Passage, "early", early)
    engine = IncrementalEngine(module, batch_size=4)
    assert compared(module, images, 2, samples=10, engine=engine)[2] < 1e-5
    assert max(sizes) == 4


def test_a_batch_size_that_was_too_large_is_remembered(monkeypatch, capsys):
    module, images = with_head(nn.ReLU(), (6, 7)), images_of(3, 6, 7)
    inner = Passage.early

    def early(self, corners, contents):
        if len(corners) * contents.shape[1] > 9:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return inner(self, corners, contents)

    monkeypatch.setattr(Passage, "early", early)
    engine = IncrementalEngine(module, batch_size=16)
    prepared, found, away = compared(module, images, 2, samples=10, engine=engine)
    assert away < 1e-5
    assert capsys.readouterr().err.splitlines() == ["out of memory: going on with batches of 8"]
    corners = corners_of((6, 7), 2)
    nodes = [pda.Node.score(0), pda.Node.score(1)]
    again = prepared.expectation(corners, Wide(2), 10, SEED, nodes)
    np.testing.assert_allclose(again.mean, found.mean, atol=1e-6)
    assert capsys.readouterr().err == ""


def test_activations_that_are_not_finite_are_left_to_full_passes(capsys):
    _say_why.cache_clear()
    module = with_head(Calls(CALLS["hidden infinity"]), (6, 7))
    compared(module, images_of(3, 6, 7), 2)
    assert "infinite or undefined activations" in capsys.readouterr().err


def test_low_precision_of_a_graph_that_does_not_serve_is_kept():
    _say_why.cache_clear()
    module = with_head(Calls(branch_on_the_batch), (6, 7))
    images = images_of(3, 6, 7)
    corners, nodes = corners_of((6, 7), 2), [pda.Node.score(0)]
    arguments = (corners, Wide(2), 6, SEED, nodes)
    low = IncrementalEngine(module, precision="bfloat16").prepare(images[0])
    dense = DenseEngine(module, precision="bfloat16").prepare(images[0])
    assert isinstance(dense, DenseImage)
    np.testing.assert_array_equal(
        low.expectation(*arguments).mean, dense.expectation(*arguments).mean
    )


@pytest.mark.parametrize("returned", [lambda x: (x,), lambda x: {"scores": x}])
@pytest.mark.parametrize("engine", [DenseEngine, IncrementalEngine])
def test_outputs_that_are_no_tensor_are_refused(engine, returned):
    module = nn.Sequential(nn.Flatten(), Calls(returned))
    with pytest.raises(DataError, match="let it return one tensor"):
        engine(module).prepare(images_of(1, 4, 4)[0])


@pytest.mark.parametrize("engine", [DenseEngine, IncrementalEngine])
def test_every_shape_of_images_is_tried(engine):
    one = engine(with_head(nn.ReLU(), (6, 7)))
    one.prepare(images_of(3, 6, 7)[0])
    with pytest.raises(DataError, match="has 2 channels, the network takes 3"):
        one.prepare(images_of(2, 6, 7)[0])
