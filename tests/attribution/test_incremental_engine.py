"""The incremental engine against full forward passes with the same draws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import prediction_difference as pda
from example_networks import TORCHVISION, Branches, Calls, at_random, of_torchvision, small_networks
from prediction_difference.attribution.engines.choosing import choose_engine
from prediction_difference.attribution.engines.dense import DenseEngine, DenseImage
from prediction_difference.attribution.engines.incremental import (
    IncrementalEngine,
    IncrementalImage,
    Options,
    _say_why,
)
from prediction_difference.attribution.engines.passage import Passage
from prediction_difference.attribution.engines.plan import Plan
from prediction_difference.classifiers import caffe, rules
from prediction_difference.classifiers.graph import follow
from prediction_difference.classifiers.networks import Normalise, Preprocessed
from prediction_difference.errors import DataError

S, SEED = 2, 7


@pytest.fixture
def said(capsys):
    """A function for the lines that were said since; each is said once, so all are forgotten."""
    _say_why.cache_clear()
    return lambda: capsys.readouterr().err.splitlines()


def images_of(*shape, count=5, seed=3):
    return np.random.default_rng(seed).random((count, *shape)).astype(np.float32)


def corners_of(shape, window, count=3, seed=0):
    """(n, d) the image's corners, middles of its borders, and some others."""
    last = np.array(shape) - window
    ends = np.stack(np.meshgrid(*[[0, side // 2, side] for side in last], indexing="ij"), -1)
    others = np.random.default_rng(seed).integers(0, last + 1, (count, len(shape)))
    return np.concatenate([ends.reshape(-1, len(shape)), others])


def scores_of(classes):
    return [pda.Node.score(c) for c in range(classes)]


def expectations(engine, images, window, corners, nodes, samples=S):
    """Values of the first image, and the expectation with its windows unknown."""
    prepared = engine.prepare(images[0])
    sampler = pda.MarginalSampler(images[1:], window)
    found = prepared.expectation(corners, sampler, samples, SEED, nodes)
    return prepared, prepared.values(nodes), found


def assert_equal(module, images, window, corners, nodes, share=1e-4, **options):
    """Both engines' means and variances agree to a share of the largest value of the nodes.

    And the network was followed: had it been run whole instead, the reason would have been said.
    """
    _say_why.cache_clear()
    incremental = IncrementalEngine(module, **options)
    prepared, values, found = expectations(incremental, images, window, corners, nodes)
    assert _say_why.cache_info().misses == 0
    _, dense_values, dense = expectations(DenseEngine(module), images, window, corners, nodes)
    assert isinstance(prepared, IncrementalImage)
    np.testing.assert_array_equal(values, dense_values)
    layers = np.array([str(node.layer) for node in nodes])
    for layer in set(layers):
        some = layers == layer
        scale = np.abs(dense.mean[some]).max() + np.abs(values[some]).max()
        np.testing.assert_allclose(found.mean[some], dense.mean[some], rtol=0, atol=share * scale)
        errors = np.sqrt(dense.variance[some])
        np.testing.assert_allclose(
            np.sqrt(found.variance[some]), errors, rtol=0, atol=share * scale
        )
    assert found.forwards == dense.forwards == S * len(corners)
    return values, found, dense


# Name: (sides of images, windows beside those at the borders).
CASES = {
    "alexnet": ((96, 95), 3),
    "googlenet": ((64, 67), 3),
    "resnet18": ((64, 65), 3),
    "squeezenet1_1": ((70, 64), 3),
    "vgg16": ((64, 64), 0),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_networks_of_torchvision(name, said):
    sides, others = CASES[name]
    is_normalised = name in ("resnet18", "vgg16")
    options = {"transform_input": True} if name == "googlenet" else {}
    network = of_torchvision(name, is_normalised, **options)
    images = images_of(3, *sides)
    corners = corners_of(sides, 10, others)
    corners = corners[:: 3 if name == "vgg16" else 1]
    values, found, dense = assert_equal(network, images, 10, corners, scores_of(1000), share=2e-5)
    error = np.abs(found.mean - dense.mean).max()
    assert error < 1e-5 * np.ptp(values)
    # Changes are what maps are made of: of these, too, the error is a small share.
    assert error < 1e-3 * np.abs(dense.mean - values[:, None]).max()
    low = IncrementalEngine(network, precision="bfloat16")
    _, _, rough = expectations(low, images, 10, corners, scores_of(1000))
    changes = np.abs(dense.mean - values[:, None]).max()
    assert 0 < np.abs(rough.mean - dense.mean).max() < 0.1 * changes
    assert said() == []


@pytest.mark.parametrize(("name", "side"), [("googlenet", 224), ("caffenet", 227)])
def test_networks_of_caffe(name, side, said):
    network = Preprocessed(
        Normalise((104.0, 117.0, 123.0), (60.0,) * 3, 255.0, is_reversed=True),
        at_random(getattr(caffe, name)()),
    )
    corners = np.array([(0, 0), (100, 99), (side - 10, 57)])
    values, found, dense = assert_equal(
        network.eval(), images_of(3, side, side), 10, corners, scores_of(1000), share=2e-5
    )
    assert np.abs(found.mean - dense.mean).max() < 1e-5 * np.ptp(values)
    assert said() == []


def test_the_fully_connected_layers_of_an_image_of_the_usual_size():
    """Where the adaptive pool is none, maps are flattened as they are."""
    network = of_torchvision("alexnet")
    assert_equal(network, images_of(3, 224, 224), 10, corners_of((224, 224), 10, 0), scores_of(50))


def drawn_case(data, axes):
    longest = {2: 13, 3: 8}[axes]
    sides = tuple(data.draw(st.integers(4, longest)) for _ in range(axes))
    channels = data.draw(st.integers(1, 3))
    window = data.draw(st.integers(1, min(sides)))
    return data.draw(small_networks((channels, *sides))), (channels, *sides), window


@pytest.mark.parametrize("axes", [2, 3])
@settings(max_examples=40)
@given(data=st.data())
def test_random_networks(axes, data):
    module, shape, window = drawn_case(data, axes)
    options = Options(
        clusters=data.draw(st.integers(1, 12)),
        images=data.draw(st.sampled_from((None, 1, 6))),
        packs=data.draw(st.booleans()),
        pads=data.draw(st.booleans()),
        joins=data.draw(st.booleans()),
    )
    corners = corners_of(shape[1:], window, 4)
    assert_equal(module, images_of(*shape), window, corners, scores_of(3), options=options)


def test_one_channel_and_a_stride_along_rows():
    """A case of random networks where oneDNN read beyond the images, on some processors."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(1, 1, (1, 2), stride=(1, 3), bias=False)
    module = nn.Sequential(convolution, nn.Flatten(), nn.Linear(4, 3)).eval()
    images = images_of(1, 4, 4)
    _, _, dense = assert_equal(module, images, 1, corners_of((4, 4), 1, 16), scores_of(3))
    assert np.abs(dense.mean).max() < 100


def uses(side, kernel, stride, padding):
    """(side,) whether a convolution along an axis reads a pixel."""
    used = np.zeros(side, dtype=bool)
    for start in range(-padding, side + padding - kernel + 1, stride):
        for place in range(start, start + kernel):
            if 0 <= place < side:
                used[place] = True
    return used


@settings(max_examples=30)
@given(
    kernel=st.integers(1, 3),
    stride=st.integers(2, 6),
    padding=st.integers(0, 1),
    window=st.integers(1, 3),
    side=st.integers(11, 14),
    is_pool=st.booleans(),
)
def test_windows_that_the_network_ignores_change_exactly_nothing(
    kernel, stride, padding, window, side, is_pool
):
    padding = min(padding, kernel // 2)
    first = nn.MaxPool2d(kernel, stride, padding) if is_pool else None
    module = nn.Sequential(
        first or nn.Conv2d(2, 2, kernel, stride, padding),
        nn.BatchNorm2d(2),
        Branches([nn.GELU(), nn.Conv2d(2, 2, 3, padding=1)], "add"),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.LocalResponseNorm(3),
        nn.AvgPool2d(2, 1, 1),
        nn.Flatten(),
        nn.LazyLinear(3),
    )
    images = images_of(2, side, side)
    with torch.no_grad():
        module(torch.from_numpy(images))
    module = at_random(module)
    used = uses(side, kernel, stride, padding)
    starts = range(side - window + 1)
    corners = np.array([(y, x) for y in starts for x in starts])
    reached = [
        [used[first : first + window].any() for first in corner] for corner in corners.tolist()
    ]
    is_ignored = ~np.array(reached).all(1)
    nodes = [*scores_of(3), pda.Node.feature_map("3", 1), pda.Node.probability(1)]
    _say_why.cache_clear()
    _, values, found = expectations(IncrementalEngine(module), images, window, corners, nodes)
    assert _say_why.cache_info().misses == 0
    differences = found.mean - values[:, None]
    assert (differences[:4][:, is_ignored] == 0).all()
    assert (found.variance[:4][:, is_ignored] == 0).all()
    # The softmax may round otherwise for other numbers of images.
    np.testing.assert_allclose(differences[4][is_ignored], 0, atol=1e-14)


class Small(nn.Module):
    """Layers of all kinds by name."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.rectifier = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.branches = Branches(
            [
                nn.Conv2d(6, 3, 1),
                nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.ReLU(inplace=True)),
                nn.AvgPool2d(3, 1, 1),
            ],
            "cat",
        )
        self.nothing = nn.Identity()
        self.flat = nn.Flatten()
        self.hidden = nn.LazyLinear(7)
        self.last = nn.Linear(7, 4)

    def forward(self, x):
        x = self.rectifier(self.norm(self.first(x)))
        x = self.nothing(self.branches(self.pool(x)))
        return self.last(self.hidden(self.flat(x)).relu_())


def small_module():
    torch.manual_seed(0)
    module = Small()
    with torch.no_grad():
        module(torch.zeros(1, 2, 11, 12))
    return at_random(module, 1)


NODES = [
    pda.Node.unit("hidden", 6),
    pda.Node.probability(2),
    pda.Node.feature_map("first", 5),
    pda.Node.unit("first", 0, (0, 0)),
    pda.Node.unit("first", 3, (10, 11)),
    pda.Node.feature_map("norm", 1),
    pda.Node.feature_map("rectifier", 1),
    pda.Node.score(0),
    pda.Node.feature_map("branches.parts.1.0", 2),
    pda.Node.unit("branches.parts.1.0", 2, (3, 4)),
    pda.Node.unit("branches.parts.0", 0, (5, 5)),
    pda.Node.feature_map("branches", 12),
    pda.Node.feature_map("pool", 0),
    pda.Node.unit("pool", 4, (5, 2)),
    pda.Node.feature_map("hidden", 1),
    pda.Node.unit("flat", 77),
    pda.Node.feature_map("last", 3),
    pda.Node.score(3),
]
SETS = {
    "all": NODES,
    "layers of maps": [n for n in NODES if n.layer not in (None, "hidden", "flat", "last")],
    "before a rectifier": NODES[2:5],
    "behind linear maps": [pda.Node.unit("hidden", unit) for unit in range(7)],
    "vectors and maps": [pda.Node.unit("flat", 3), pda.Node.feature_map("branches", 0)],
    "classes twice": [pda.Node.probability(1), pda.Node.score(1), pda.Node.probability(1)],
}


@pytest.mark.parametrize("window", [1, 2, 5, 11])
@pytest.mark.parametrize("name", SETS)
def test_nodes_of_layers(name, window):
    images = images_of(2, 11, 12)
    corners = corners_of((11, 12), window, 6)
    assert_equal(small_module(), images, window, corners, SETS[name])


def test_units_are_not_changed_by_windows_that_do_not_reach_them():
    nodes = [pda.Node.unit("first", 3, (10, 11)), pda.Node.unit("branches.parts.0", 1, (5, 5))]
    _, values, found = expectations(
        IncrementalEngine(small_module()), images_of(2, 11, 12), 2, np.array([[0, 0]]), nodes
    )
    np.testing.assert_array_equal(found.mean[:, 0], values)
    assert (found.variance == 0).all()


def test_layers_of_a_network_behind_its_preprocessing_keep_their_names():
    network = of_torchvision("squeezenet1_1", is_normalised=True)
    nodes = [
        pda.Node.feature_map("features.3.expand3x3", 2),
        pda.Node.unit("features.4", 100, (1, 2)),
        pda.Node.probability(5),
    ]
    corners = corners_of((48, 48), 6, 0)
    assert_equal(network, images_of(3, 48, 48), 6, corners, nodes)


def test_a_layer_that_is_used_twice_counts_where_it_is_used_last():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Conv2d(2, 2, 3, padding=1)
            self.other = self.one

        def forward(self, x):
            return self.one(self.other(x).relu()).mean((2, 3))

    nodes = [pda.Node.feature_map("one", 1), pda.Node.unit("other", 0, (3, 3)), pda.Node.score(1)]
    corners = corners_of((7, 8), 3)
    assert_equal(at_random(Twice()), images_of(2, 7, 8), 3, corners, nodes)


def test_nodes_that_do_not_exist_are_refused():
    images = images_of(2, 11, 12)
    for node, message in (
        (pda.Node.feature_map("nowhere", 0), "layer 'nowhere': is unknown"),
        (pda.Node.feature_map("first", 6), "there are 6 maps"),
        (pda.Node.unit("first", 0, (11, 0)), "there are 11 places"),
        (pda.Node.score(4), "there are 4 classes"),
    ):
        prepared = IncrementalEngine(small_module()).prepare(images[0])
        with pytest.raises(DataError, match=message):
            prepared.values([node])
        with pytest.raises(DataError, match=message):
            prepared.expectation(
                np.array([[0, 0]]), pda.MarginalSampler(images[1:], 2), S, SEED, [node]
            )


def test_a_layer_that_is_no_operation_is_explained_by_whole_passes(said):
    images, module, corners = images_of(2, 11, 12), small_module(), corners_of((11, 12), 3)
    nodes = [pda.Node.feature_map("nothing", 3), pda.Node.score(1)]
    engine = IncrementalEngine(module)
    prepared, _, found = expectations(engine, images, 3, corners, nodes)
    again = prepared.expectation(corners, pda.MarginalSampler(images[1:], 3), S, SEED, nodes)
    _, _, dense = expectations(DenseEngine(module), images, 3, corners, nodes)
    np.testing.assert_array_equal(found.mean, dense.mean)
    np.testing.assert_array_equal(again.mean, dense.mean)
    (line,) = said()
    assert "whole for every draw: layer 'nothing' is none of" in line
    # Other nodes of the same image are followed all the same.
    mean = prepared.expectation(
        corners, pda.MarginalSampler(images[1:], 3), S, SEED, [pda.Node.score(1)]
    ).mean
    np.testing.assert_allclose(mean[0], dense.mean[1], atol=1e-5)
    assert said() == []


def shuffling():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.ChannelShuffle(2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()


def test_a_network_that_cannot_be_followed_is_run_whole_and_says_so_once(said):
    module, nodes = shuffling(), [*scores_of(3), pda.Node.feature_map("0", 2)]
    engine = IncrementalEngine(module)
    for seed in (1, 2, 3):
        images, corners = images_of(2, 7, 8, seed=seed), corners_of((7, 8), 3)
        prepared, values, found = expectations(engine, images, 3, corners, nodes)
        _, expected, dense = expectations(DenseEngine(module), images, 3, corners, nodes)
        assert isinstance(prepared, DenseImage)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(found.mean, dense.mean)
        np.testing.assert_array_equal(found.variance, dense.variance)
    (line,) = said()
    assert line.endswith("'channel_shuffle' is no operation that is followed")


def test_low_precision_is_kept_where_the_network_is_run_whole(said):
    module, images, corners = shuffling(), images_of(2, 7, 8), corners_of((7, 8), 3)
    both = [
        expectations(engine(module, precision="bfloat16"), images, 3, corners, scores_of(3))
        for engine in (IncrementalEngine, DenseEngine)
    ]
    np.testing.assert_array_equal(both[0][2].mean, both[1][2].mean)
    assert len(said()) == 1


def test_a_graph_that_gives_other_values_is_not_used(said, monkeypatch):
    """A mistake in a rule costs time and no correctness."""
    module, images, corners = small_module(), images_of(2, 11, 12), corners_of((11, 12), 3)
    monkeypatch.setitem(rules.RULES, "batch_norm", lambda _steps, x, *_: x)
    engine = IncrementalEngine(module)
    _, _, found = expectations(engine, images, 3, corners, scores_of(4))
    _, _, dense = expectations(DenseEngine(module), images, 3, corners, scores_of(4))
    np.testing.assert_array_equal(found.mean, dense.mean)
    (line,) = said()
    assert "other values" in line


def test_an_image_without_any_score_is_followed():
    """Where all units are off for the image itself, only draws say how large scores are."""
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(50, 4), nn.ReLU(), nn.Linear(4, 3, bias=False)
    ).eval()
    with torch.no_grad():
        module[1].weight.uniform_(0, 0.1)
        module[1].bias.fill_(-0.3)
    images = 10 * images_of(2, 5, 5)
    images[0] = 0
    values, found, _ = assert_equal(module, images, 3, corners_of((5, 5), 3), scores_of(3))
    assert (values == 0).all()
    assert (found.mean != 0).any()


@pytest.mark.parametrize(
    "options",
    [
        Options(clusters=1),
        Options(images=10),
        Options(images=1),
        Options(packs=False),
        Options(pads=False),
        Options(joins=False),
        Options(clusters=50, images=3, packs=False, pads=False, joins=False),
    ],
    ids=str,
)
def test_options_change_nothing_but_time(options, said):
    images, module = images_of(2, 11, 12), small_module()
    corners = corners_of((11, 12), 3, 20)
    usual, other = (
        expectations(IncrementalEngine(module, options=o), images, 3, corners, NODES)[2]
        for o in (Options(), options)
    )
    np.testing.assert_allclose(other.mean, usual.mean, atol=2e-6)
    np.testing.assert_allclose(other.variance, usual.variance, atol=2e-6)
    assert said() == []


def test_batches_of_windows_and_their_order_change_nothing(said):
    images, module = images_of(2, 11, 12), small_module()
    corners = np.array([(y, x) for y in range(9) for x in range(10)])
    order = np.random.default_rng(1).permutation(len(corners))
    sizes = [(IncrementalEngine(module, batch_size=b)) for b in (None, 1, 7)]
    usual = expectations(sizes[0], images, 3, corners, NODES)[2]
    for engine in sizes:
        found = expectations(engine, images, 3, corners[order], NODES)[2]
        np.testing.assert_allclose(found.mean, usual.mean[:, order], atol=2e-6)
    assert said() == []


@pytest.mark.parametrize("way", ["early", "late"])
def test_batches_are_halved_when_memory_is_short(way, monkeypatch, said):
    images, corners = images_of(2, 11, 12), corners_of((11, 12), 3, 20)
    sampler = pda.MarginalSampler(images[1:], 3)
    prepared = IncrementalEngine(small_module()).prepare(images[0])
    usual = prepared.expectation(corners, sampler, S, SEED, NODES)
    inner, calls = getattr(Passage, way), []

    def hungry(self, *args):
        calls.append(args)
        if len(calls) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        return inner(self, *args)

    monkeypatch.setattr(Passage, way, hungry)
    found = prepared.expectation(corners, sampler, S, SEED, NODES)
    np.testing.assert_allclose(found.mean, usual.mean, atol=2e-6)
    np.testing.assert_allclose(found.variance, usual.variance, atol=2e-6)
    assert len(calls) > 1
    (line,) = said()
    assert line.startswith("out of memory: going on with batches of")


def test_other_errors_on_the_way_are_not_hidden(monkeypatch):
    images, corners = images_of(2, 11, 12), corners_of((11, 12), 3)
    sampler = pda.MarginalSampler(images[1:], 3)
    prepared = IncrementalEngine(small_module()).prepare(images[0])
    prepared.expectation(corners, sampler, S, SEED, NODES)

    def broken(_self, *_args):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(Passage, "early", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        prepared.expectation(corners, sampler, S, SEED, NODES)


def test_scores_that_are_not_finite_are_refused():
    module = nn.Sequential(
        nn.Conv2d(1, 2, 1), Calls(lambda x: x.abs().sqrt().exp()), nn.AdaptiveAvgPool2d(1)
    )
    module = nn.Sequential(at_random(module), nn.Flatten())
    images = images_of(1, 6, 6)
    images[1:] *= 1e6
    with pytest.raises(DataError, match="not finite"):
        expectations(IncrementalEngine(module), images, 2, np.array([[0, 0]]), scores_of(2))


def test_the_engine_is_chosen_where_it_pays():
    network, image = of_torchvision("squeezenet1_1"), images_of(3, 224, 224)[0]
    kinds = {
        (name, window): type(choose_engine(network, name, window=window).prepare(image))
        for name, window in (("auto", 10), ("auto", 224), ("incremental", 224))
    }
    assert kinds == {
        ("auto", 10): IncrementalImage,
        ("auto", 224): DenseImage,
        ("incremental", 224): IncrementalImage,
    }


def test_an_engine_explains_images_of_several_shapes(said):
    module = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    ).eval()
    engine = IncrementalEngine(module)
    for shape in ((7, 8), (6, 6), (7, 8)):
        images, corners = images_of(2, *shape, seed=shape[0]), corners_of(shape, 2)
        found = expectations(engine, images, 2, corners, scores_of(3))[2]
        dense = expectations(DenseEngine(module), images, 2, corners, scores_of(3))[2]
        np.testing.assert_allclose(found.mean, dense.mean, atol=1e-5)
    assert said() == []


def noted_overwriting(passage):
    """Whether each step may write over its inputs, noted while changes pass."""
    noted = []

    def noting(way):
        def passed(inputs, at, may_overwrite):
            noted.append(may_overwrite)
            return way(inputs, at, may_overwrite)

        return passed

    passage._ways = {number: noting(way) for number, way in passage._ways.items()}
    return noted


def test_changes_that_nobody_needs_any_more_are_let_go():
    """Else all layers' changes are in memory at once, and none is written over."""
    network = at_random(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8),
            nn.ReLU6(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
        )
    )  # fmt: skip
    image = torch.from_numpy(images_of(3, 20, 20)[0])
    graph = follow(network, image)
    hidden = graph.layers["2"]
    for wanted, kept in (([graph.output], 1), ([hidden, graph.output], 2)):
        plan = Plan(graph, wanted, 4, torch.float32, Options())
        assert list(plan.numbers) == wanted
        passage = Passage(plan, image)
        contents = torch.rand(2, 5, 3, 4, 4)
        found = passage.early(np.array([[3, 4], [3, 4]]), contents)
        assert len(found) == kept
        may = noted_overwriting(passage)
        again = passage.early(np.array([[3, 4], [3, 4]]), contents)
        assert may.count(True) >= len(may) - kept
        for number, change in found.items():
            assert torch.equal(change.values, again[number].values)
