"""The other heatmap methods, against finite differences and closed forms."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from example_networks import at_random
from prediction_difference.attribution.heatmaps import heatmaps, options_of, with_options
from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.classifiers.networks import Normalise, Preprocessed
from prediction_difference.errors import DataError
from prediction_difference.families import METHODS as FAMILY


def smooth_network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 3 * 4, 3))


@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("linf", np.inf)])
@pytest.mark.parametrize("kind", ["score", "probability"])
def test_sensitivity_is_the_norm_of_finite_differences(generator, norm, order, kind):
    module, image = smooth_network().double(), generator.normal(size=(2, 5, 6))

    def value(x):
        scores = module(torch.tensor(x[None]))
        return float((scores.softmax(1) if kind == "probability" else scores)[0, 1].detach())

    step = 1e-5
    gradient = np.zeros_like(image)
    for index in np.ndindex(image.shape):
        shift = np.zeros_like(image)
        shift[index] = step
        gradient[index] = (value(image + shift) - value(image - shift)) / (2 * step)
    node = pda.Node(kind, 1)
    found = pda.heatmap("sensitivity", module.float(), image, node, norm=norm)
    np.testing.assert_allclose(found, np.linalg.norm(gradient, order, axis=0), rtol=1e-3, atol=1e-6)


def test_sensitivity_of_a_linear_classifier_is_half_its_weights(generator):
    weight = generator.normal(size=(1, 4, 5, 3))
    module = LinearModule(pda.LinearClassifier(weight, 0.1))
    image = generator.normal(size=weight.shape)
    found = pda.heatmap("sensitivity", module, image, pda.Node.score(1))
    np.testing.assert_allclose(found, np.abs(weight[0]) / 2, rtol=1e-5)


def test_random_belongs_to_seed_and_image(generator):
    image, node = generator.normal(size=(1, 9, 9)), pda.Node.score(0)
    first = pda.heatmap("random", None, image, node, seed=1)
    assert (first == pda.heatmap("random", None, image, node, seed=1)).all()
    assert (first != pda.heatmap("random", None, image, node, seed=2)).any()
    assert (first != pda.heatmap("random", None, image + 1, node, seed=1)).any()
    assert len(np.unique(first)) == 81


def test_segmentation_is_the_object_on_either_side_of_the_threshold(generator):
    """Two well parted groups of grey values, in colours whose mean parts them."""
    inside = np.zeros((9, 8), dtype=bool)
    inside[2:7, 3:5] = True
    image = np.where(inside, 0.8, 0.1) + generator.uniform(-0.05, 0.05, (3, 9, 8))
    node = pda.Node.score(0)
    found = pda.heatmap("segmentation", None, image, node)
    np.testing.assert_array_equal(found, inside)
    dark = pda.heatmap("segmentation", None, 1 - image, node, foreground="dark")
    np.testing.assert_array_equal(dark, inside)
    assert not pda.heatmap("segmentation", None, np.full((1, 4, 4), 0.5), node).any()


def rectified_network(bias: bool = False) -> nn.Module:
    return at_random(nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=bias), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 6, 3, bias=bias), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 4, 4, bias=bias),
    ))  # fmt: skip


METHODS = {word: one for word, one in FAMILY.classes().items() if one.explains_anew}
GRAPH_METHODS = (
    "deconvolution",
    "guided_backprop",
    "gradient_times_input",
    "lrp_epsilon",
    "lrp_alpha_beta",
)


@pytest.mark.parametrize("method", [*GRAPH_METHODS, "sensitivity", "integrated_gradients"])
def test_images_with_nodes_of_their_own_are_explained_together(generator, method):
    module = rectified_network(bias=True)
    images = generator.normal(size=(3, 3, 8, 8)).astype(np.float32)
    nodes = [pda.Node.score(index) for index in (2, 0, 2)]
    together = heatmaps(method, module, images, nodes)
    for found, image, node in zip(together, images, nodes, strict=True):
        np.testing.assert_allclose(found, pda.heatmap(method, module, image, node), atol=1e-5)


def test_sums_of_gradient_times_input_and_relevance_are_the_score_without_biases(generator):
    """Rectified networks without biases are homogeneous [shrikumar2016]; z of epsilon 0 too."""
    module = rectified_network()
    image = generator.normal(size=(3, 8, 8)).astype(np.float32)
    score = float(module(torch.tensor(image[None]))[0, 1].detach())
    first = pda.heatmap("gradient_times_input", module, image, pda.Node.score(1))
    second = pda.heatmap("lrp_epsilon", module, image, pda.Node.score(1), epsilon=1e-9)
    np.testing.assert_allclose(first.sum(), score, rtol=1e-4)
    np.testing.assert_allclose(second, first, atol=1e-4)


@pytest.mark.parametrize("kind", ["score", "probability"])
def test_integrated_gradients_are_complete(generator, kind):
    module = smooth_network()
    image = generator.normal(size=(2, 5, 6)).astype(np.float32)
    node = pda.Node(kind, 2)
    with torch.no_grad():
        scores = module(torch.tensor(np.stack([image, np.full_like(image, 0.3)])))
    values = (scores.softmax(1) if kind == "probability" else scores)[:, 2].numpy()
    found = pda.heatmap("integrated_gradients", module, image, node, steps=200, baseline=0.3)
    np.testing.assert_allclose(found.sum(), values[0] - values[1], rtol=1e-3, atol=1e-4)


def test_relevance_is_that_of_the_normalised_image(generator):
    """What normalisation adds is no evidence: the map of a normalised image goes through."""
    inner = rectified_network(bias=True)
    module = Preprocessed(Normalise((0.2, 0.5, 0.7), (0.3, 0.1, 0.5)), inner).eval()
    image = generator.uniform(size=(3, 8, 8)).astype(np.float32)
    with torch.no_grad():
        normalised = module.preprocessing(torch.tensor(image[None]))[0].numpy()
    for method in ("gradient_times_input", "lrp_epsilon", "lrp_alpha_beta"):
        found = pda.heatmap(method, module, image, pda.Node.score(3))
        expected = pda.heatmap(method, inner, normalised, pda.Node.score(3))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["score", "probability"])
def test_occlusion_is_what_plain_windows_take_away(generator, kind):
    module = rectified_network(bias=True)
    image = generator.normal(size=(3, 8, 8)).astype(np.float32)
    total, count = np.zeros((8, 8)), np.zeros((8, 8))

    def value(x):
        scores = module(torch.tensor(x[None]))
        return float((scores.softmax(1) if kind == "probability" else scores)[0, 1].detach())

    for y, x in itertools.product((0, 2, 4, 5), repeat=2):
        covered = image.copy()
        covered[:, y : y + 3, x : x + 3] = 0.25
        total[y : y + 3, x : x + 3] += value(image) - value(covered)
        count[y : y + 3, x : x + 3] += 1
    found = pda.heatmap(
        "occlusion", module, image, pda.Node(kind, 1), window=3, stride=2, fill=0.25
    )
    np.testing.assert_allclose(found, total / count, atol=1e-5)


def test_relevance_of_probabilities_is_refused():
    image = np.zeros((3, 8, 8), dtype=np.float32)
    with pytest.raises(DataError, match="passed from class scores, not probabilities"):
        pda.heatmap("lrp_epsilon", rectified_network(), image, pda.Node.probability(0))


@pytest.mark.parametrize(
    "method",
    [
        "sensitivity",
        "gradient_times_input",
        "integrated_gradients",
        "deconvolution",
        "guided_backprop",
        "occlusion",
    ],
)
def test_the_probability_of_an_only_output_is_refused(method):
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    image, options = np.full((1, 4, 4), 0.25, np.float32), {}
    if method == "occlusion":
        options = {"window": 2, "stride": 1}
    with pytest.raises(DataError, match=r"one output, .* give the network two outputs"):
        pda.heatmap(method, network, image, pda.Node.probability(0), **options)
    assert np.isfinite(pda.heatmap(method, network, image, pda.Node.score(0), **options)).all()


def test_classifiers_that_are_not_followed_are_refused_with_what_does():
    class Sorted(nn.Module):
        def forward(self, x):
            return x.flatten(1).sort(1).values[:, :3]

    image = np.zeros((3, 8, 8), dtype=np.float32)
    with pytest.raises(DataError, match=r"cannot be looked into: .*sort.*use sensitivity"):
        pda.heatmap("deconvolution", Sorted(), image, pda.Node.score(0))


# Some run no classifier; three of them read its weights or its training images.
NO_PASS = ("random", "segmentation", "weights", "pattern", "deviation")
FORWARDS = {
    **dict.fromkeys(GRAPH_METHODS, 1),
    **dict.fromkeys(NO_PASS, 0),
    "deep_taylor": 1,
    "sensitivity": 1,
    "integrated_gradients": 5,
    "occlusion": 16,
    "taylor": 2 + 6 * (5 + 3) + 20,  # six rounds, and 20 to draw the root close
}


@pytest.mark.parametrize("method", FORWARDS)
def test_a_method_counts_its_forward_passes(method):
    options = {"steps": 5, "window": 3, "stride": 2}
    own = {name: value for name, value in options.items() if name in options_of(METHODS[method])}
    settings, _ = with_options(method, own)
    assert settings.forwards_of_map((8, 8)) == FORWARDS[method]


def test_unknown_methods_and_nodes_are_refused():
    with pytest.raises(
        DataError,
        match=r"method='sensitivty': is unknown; did you mean 'sensitivity'\?.* deconvolution",
    ):
        pda.heatmap("sensitivty", None, np.zeros((1, 2, 2)), pda.Node.score(0))
    with pytest.raises(DataError, match="explains classes"):
        pda.heatmap("random", None, np.zeros((1, 2, 2)), pda.Node.feature_map("a", 0))


def test_maxima_with_dilation_are_not_shared_in_proportion(generator: np.random.Generator) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2, 1, dilation=2), nn.Flatten())
    image = generator.uniform(size=(1, 7, 7)).astype(np.float32)
    node = pda.Node.score(0)
    assert np.isfinite(pda.heatmap("lrp_epsilon", network, image, node)).all()
    with pytest.raises(DataError, match="set max_pool to winner"):
        pda.heatmap("lrp_epsilon", network, image, node, max_pool="proportional")


def test_a_classifier_that_changed_is_looked_into_again(generator):
    module, node = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), pda.Node.score(1)
    image = generator.random((1, 2, 2)).astype(np.float32)
    first = pda.heatmap("lrp_epsilon", module, image, node, epsilon=1e-9)
    with torch.no_grad():
        module[1].weight.mul_(3)
        module[1].bias.mul_(3)
    second = pda.heatmap("lrp_epsilon", module, image, node, epsilon=1e-9)
    np.testing.assert_allclose(second, 3 * first, rtol=1e-4)
    module[1] = nn.Linear(4, 2)
    third = pda.heatmap("lrp_epsilon", module, image, node, epsilon=1e-9)
    with torch.no_grad():
        score = float(module(torch.from_numpy(image[None]))[0, 1])
    assert third.sum() == pytest.approx(score, rel=1e-4)
