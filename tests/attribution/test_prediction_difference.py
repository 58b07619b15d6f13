"""Prediction difference analysis against Algorithm 1 in plain loops, and against closed forms."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.errors import DataError

N, S, SEED = 500, 4, 3


def small_network(dimensions: int, channels: int = 2) -> nn.Module:
    torch.manual_seed(0)
    convolution = (nn.Conv2d, nn.Conv3d)[dimensions - 2]
    pool = (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[dimensions - 2]
    return nn.Sequential(
        convolution(channels, 5, 3),
        nn.ReLU(),
        pool(2),
        nn.Flatten(),
        nn.Linear(5 * 2**dimensions, 3),
    )


def algorithm_1(module, sampler, image, c, k, stride=1):
    """The paper's Algorithm 1, one forward pass at a time."""

    def odds_bits(p):
        p = (p * N + 1) / (N + 3)
        return np.log2(p / (1 - p))

    def probability(x):
        with torch.inference_mode():
            scores = module(torch.tensor(x[None], dtype=torch.float32)).double()
        return float(scores.softmax(1)[0, c])

    we, counts = np.zeros(image.shape[1:]), np.zeros(image.shape[1:])
    starts = [sorted({*range(0, side - k + 1, stride), side - k}) for side in image.shape[1:]]
    for corner in itertools.product(*starts):
        box = tuple(slice(first, first + k) for first in corner)
        total = 0.0
        for draw in sampler.sample(image, np.array([corner]), S, SEED)[0]:
            x = image.copy()
            x[(slice(None), *box)] = draw
            total += probability(x)
        we[box] += odds_bits(probability(image)) - odds_bits(total / S)
        counts[box] += 1
    return we / counts


def sampler_of(kind, images, k, patch):
    if kind == "marginal":
        return pda.MarginalSampler(images, k)
    return pda.ConditionalSampler(pda.GaussianPatchPrior.fit(images, patch, patches=500), k)


@pytest.mark.parametrize("engine", ["auto", "dense", "incremental"])
@pytest.mark.parametrize("kind", ["marginal", "conditional"])
@pytest.mark.parametrize(
    ("spatial", "k", "patch", "stride"),
    [
        ((7, 8), 1, 2, 1),
        ((7, 8), 2, 5, 1),
        ((8, 7), 3, 5, 1),
        ((7, 8), 3, 4, 2),
        ((5, 4, 5), 2, 3, 1),
    ],
)
def test_every_map_is_that_of_algorithm_1(generator, kind, spatial, k, patch, stride, engine):
    images = generator.normal(size=(9, 2, *spatial)).astype(np.float32)
    module, image = small_network(len(spatial)), images[0]
    sampler = sampler_of(kind, images[1:], k, patch)
    analysis = pda.PredictionDifference(
        module, sampler, k, stride, S, engine, N, SEED, batch_size=17
    )
    found = analysis.attribute(image, [pda.Node.probability(2), pda.Node.score(2)])
    expected = algorithm_1(module, sampler, image, 2, k, stride)
    np.testing.assert_allclose(found.relevance[0], expected, atol=2e-4)
    assert np.isfinite(found.standard_error).all()
    assert found.forwards == S * int(np.prod(found.window_score.shape[1:]))


def test_a_feature_that_the_classifier_ignores_gets_exactly_nothing(generator):
    class LeftHalf(nn.Module):
        def forward(self, x):
            left = x[..., :4].flatten(1)
            return torch.stack([left.sum(1), (left**2).sum(1)], dim=1)

    images = generator.normal(size=(9, 1, 6, 9)).astype(np.float32)
    analysis = pda.PredictionDifference(
        LeftHalf(), pda.MarginalSampler(images[1:], 2), 2, samples=5
    )
    found = analysis.attribute(images[0], [pda.Node.probability(0), pda.Node.score(1)])
    assert (found.relevance[..., 5:] == 0).all()
    assert (found.relevance[..., :4] != 0).all()


def test_conditional_sampling_forgives_what_neighbours_determine(generator):
    """With nearly equal neighbouring pixels a window tells nothing new; marginally it does."""
    base = generator.normal(size=(200, 1, 1, 1))
    images = (base + 0.01 * generator.normal(size=(200, 1, 7, 7))).astype(np.float32)
    linear = pda.LinearClassifier(np.ones((1, 7, 7)) / 5, 0.0)
    image = images[np.abs(base.ravel()).argmax()]
    node = [pda.Node.probability(int(image.sum() > 0))]
    prior = pda.GaussianPatchPrior.fit(images, 3, patches=5_000, ridge=1e-6)
    conditional = pda.PredictionDifference(linear, pda.ConditionalSampler(prior, 1), 1)
    marginal = pda.PredictionDifference(linear, pda.MarginalSampler(images, 1), 1, samples=50)
    small = np.abs(conditional.attribute(image, node).relevance).max()
    large = np.abs(marginal.attribute(image, node).relevance).mean()
    assert small < 0.1 * large


def linear_case(generator, spatial=(6, 7)):
    images = generator.normal(size=(300, 1, *spatial)).astype(np.float32)
    prior = pda.GaussianPatchPrior.fit(images, 4, patches=3_000)
    linear = pda.LinearClassifier(generator.normal(size=(1, *spatial)) / 3, 0.2)
    return linear, pda.ConditionalSampler(prior, 2), images[0]


def test_the_linear_engine_is_the_limit_of_sampling(generator):
    linear, sampler, image = linear_case(generator)
    nodes = [pda.Node.probability(1), pda.Node.score(1)]
    exact = pda.PredictionDifference(linear, sampler, 2, training_instances=100)
    truth = exact.attribute(image, nodes)
    assert np.isnan(truth.standard_error).all()
    assert truth.forwards == 0
    distances = []
    for samples in (50, 5_000):
        dense = pda.PredictionDifference(
            LinearModule(linear), sampler, 2, samples=samples, training_instances=100
        )
        distances.append(
            np.abs(dense.attribute(image, nodes).window_score - truth.window_score).mean()
        )
    # A hundred times the samples, a tenth of the error.
    assert 5 < distances[0] / distances[1] < 20


def test_standard_errors_cover_the_exact_value(generator):
    linear, sampler, image = linear_case(generator)
    nodes = [pda.Node.probability(1)]
    truth = pda.PredictionDifference(linear, sampler, 2, training_instances=100).attribute(
        image, nodes
    )
    inside, total = 0, 0
    for seed in range(20):
        draws = pda.PredictionDifference(
            LinearModule(linear), sampler, 2, samples=100, training_instances=100, seed=seed
        ).attribute(image, nodes)
        distance = np.abs(draws.window_score - truth.window_score)
        inside += int((distance < 1.96 * draws.window_standard_error).sum())
        total += distance.size
    assert 0.92 < inside / total < 0.97


def test_linear_with_marginal_sampling_equals_full_forwards(generator):
    linear, _, image = linear_case(generator)
    sampler = pda.MarginalSampler(generator.normal(size=(8, 1, 6, 7)).astype(np.float32), 3)
    nodes = [pda.Node.probability(0), pda.Node.score(1)]
    maps = [
        pda.PredictionDifference(linear, sampler, 3, engine=engine, samples=6).attribute(
            image, nodes
        )
        for engine in ("linear", "dense")
    ]
    np.testing.assert_allclose(maps[0].relevance, maps[1].relevance, atol=1e-4)
    np.testing.assert_allclose(maps[0].standard_error, maps[1].standard_error, atol=1e-4)


def test_feature_maps_are_means_over_their_units(generator):
    module = small_network(2)
    images = generator.normal(size=(9, 2, 7, 8)).astype(np.float32)
    sampler = pda.MarginalSampler(images[1:], 3)
    analysis = pda.PredictionDifference(module, sampler, 3, samples=S, seed=SEED)
    found = analysis.attribute(
        images[0], [pda.Node.feature_map("1", 4), pda.Node.feature_map("4", 0)]
    )

    class Map(nn.Module):
        def forward(self, x):
            return torch.stack([module[:2](x)[:, 4].mean((1, 2)), module(x)[:, 0]], dim=1)

    nodes = [pda.Node.score(0), pda.Node.score(1)]
    direct = pda.PredictionDifference(Map(), sampler, 3, samples=S, seed=SEED)
    np.testing.assert_allclose(
        found.relevance, direct.attribute(images[0], nodes).relevance, atol=1e-5
    )


class NotFinite(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :3] * float("nan")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (pda.Node.probability(3), "there are 3 classes; choose a number from 0 to 2"),
        (pda.Node.feature_map("0", 5), "there are 5 maps"),
        (pda.Node.feature_map("nowhere", 0), "layer 'nowhere': is unknown"),
    ],
)
def test_nodes_that_do_not_exist_are_refused(generator, node, message):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    sampler = pda.MarginalSampler(image[None], 3)
    with pytest.raises(DataError, match=message):
        pda.PredictionDifference(small_network(2), sampler, 3).attribute(image, [node])


def test_what_does_not_fit_is_refused(generator):
    image = generator.normal(size=(2, 7, 8)).astype(np.float32)
    sampler, node = pda.MarginalSampler(image[None], 3), [pda.Node.probability(0)]
    with pytest.raises(DataError, match=r"window=2: the sampler draws windows of side 3"):
        pda.PredictionDifference(small_network(2), sampler, 2)
    with pytest.raises(DataError, match="samples=1"):
        pda.PredictionDifference(small_network(2), sampler, 3, samples=1)
    with pytest.raises(DataError, match="engine='denze': is unknown; did you mean 'dense'"):
        pda.PredictionDifference(small_network(2), sampler, 3, engine="denze")
    with pytest.raises(DataError, match="needs a linear classifier"):
        pda.PredictionDifference(small_network(2), sampler, 3, engine="linear")
    with pytest.raises(
        DataError, match=r"image of shape \(2, 7, 8\): has 2 channels, the network takes 1"
    ):
        pda.PredictionDifference(small_network(2, channels=1), sampler, 3).attribute(image, node)
    with pytest.raises(DataError, match="not finite"):
        pda.PredictionDifference(NotFinite(), sampler, 3).attribute(image, node)
    linear = pda.LinearClassifier(np.zeros((2, 7, 7)), 0.0)
    with pytest.raises(DataError, match=r"the classifier takes \(2, 7, 7\)"):
        pda.PredictionDifference(linear, sampler, 3).attribute(image, node)


@pytest.mark.parametrize("engine", ["dense", "incremental"])
def test_the_probability_of_an_only_output_is_refused(generator, engine):
    images = generator.uniform(size=(6, 1, 6, 6)).astype(np.float32)
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 1))
    sampler = pda.MarginalSampler(images, 2)
    analysis = pda.PredictionDifference(network, sampler, window=2, samples=2, engine=engine)
    message = r"node probability 0: .* one output, .*explain its score .*two outputs"
    with pytest.raises(DataError, match=message):
        analysis.attribute(images[0], [pda.Node.probability(0)])
    assert np.isfinite(analysis.attribute(images[0], [pda.Node.score(0)]).relevance).all()
