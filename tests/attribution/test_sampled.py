"""How many draws, in which precision and in how much memory; and what is refused."""

import contextlib

import numpy as np
import pytest
import torch
from torch import nn

import prediction_difference as pda
from prediction_difference.attribution import prediction_difference as module_under_test
from prediction_difference.attribution.engines.sampled import in_batches
from prediction_difference.errors import DataError


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(54, 3)
    )


@pytest.fixture
def images(generator) -> np.ndarray:
    return generator.normal(size=(40, 1, 7, 7)).astype(np.float32)


def analysis_of(images, module=None, **options):
    sampler = pda.MarginalSampler(images[1:], 3)
    return pda.PredictionDifference(module or network(), sampler, 3, seed=1, **options)


NODES = [pda.Node.probability(0), pda.Node.probability(2)]


def test_draws_go_on_until_the_standard_error_is_reached(images):
    wanted = 0.02
    analysis = analysis_of(images, samples=5, standard_error=wanted, max_samples=10_000)
    target = analysis.target(images[0], NODES)
    corners = np.array([[0, 0], [2, 2], [4, 1]])
    found = analysis.windows(target, corners)
    assert (found.standard_error <= wanted).all()
    assert (found.samples > 5).any()
    assert found.forwards == found.samples.sum()


def test_no_more_draws_than_allowed(images):
    analysis = analysis_of(images, samples=5, standard_error=1e-9, max_samples=23)
    found = analysis.windows(analysis.target(images[0], NODES), np.array([[0, 0], [2, 2]]))
    assert found.samples.tolist() == [20, 20]


class Counting:
    """A sampler that keeps what it has drawn."""

    window = 3

    def __init__(self, images):
        self.inner = pda.MarginalSampler(images, 3)
        self.drawn = {}

    def sample(self, image, corners, samples, seed):
        contents = self.inner.sample(image, corners, samples, seed)
        for corner, some in zip(corners, contents, strict=True):
            self.drawn.setdefault(tuple(corner.tolist()), []).append(some)
        return contents


def test_the_estimate_is_that_of_all_draws_together(images):
    """Merged mean and variance against those of every draw that was ever made."""
    sampler, module = Counting(images[1:]), network()
    analysis = pda.PredictionDifference(
        module, sampler, 3, samples=4, seed=1, standard_error=0.007, max_samples=200
    )
    node = pda.Node.score(1)
    target = analysis.target(images[0], [node])
    corners = np.array([[0, 0], [3, 2], [1, 4]])
    found = analysis.windows(target, corners)
    assert len(set(found.samples.tolist())) > 1
    for place, (y, x) in enumerate(corners):
        draws = np.concatenate(sampler.drawn[y, x])
        assert len(draws) == found.samples[place]
        assert len(np.unique(draws.reshape(len(draws), -1), axis=0)) > 4
        changed = np.repeat(images[:1], len(draws), axis=0)
        changed[:, :, y : y + 3, x : x + 3] = draws
        with torch.inference_mode():
            values = module(torch.from_numpy(changed))[:, 1].double().numpy()
        expected = target.values[0] - values.mean()
        assert found.score[0, place] == pytest.approx(expected, abs=1e-6)
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert found.standard_error[0, place] == pytest.approx(error, abs=1e-6)


def test_without_a_target_every_window_has_as_many_draws(images):
    analysis = analysis_of(images, samples=6)
    found = analysis.row(analysis.target(images[0], NODES), 2)
    assert found.samples.tolist() == [6] * 5


class Coarse(nn.Module):
    """A network whose rounding in low precision is far from small."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        # A large constant that float32 keeps and bfloat16 does not.
        scores = self.inner(x) + 300
        return scores - 300


def said_by(monkeypatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(module_under_test, "say", lines.append)
    return lines


def test_low_precision_is_given_up_where_it_costs_too_much(images, monkeypatch):
    lines = said_by(monkeypatch)
    exact = analysis_of(images, Coarse(), engine="dense").attribute(images[0], NODES)
    analysis = analysis_of(images, Coarse(), engine="dense", precision="bfloat16")
    target = analysis.target(images[0], NODES)
    assert not target.error.is_small
    assert target.precision == "float32"
    assert "going on in float32" in lines[0]
    found = analysis.attribute(images[0], NODES)
    np.testing.assert_array_equal(found.relevance, exact.relevance)


def test_low_precision_is_kept_where_it_costs_little(images, monkeypatch):
    lines = said_by(monkeypatch)
    analysis = analysis_of(images, engine="dense", precision="bfloat16")
    target = analysis.target(images[0], NODES)
    assert target.error.is_small
    assert (target.error.rounding > 0).all()
    assert target.precision == "bfloat16"
    assert lines == []
    exact = analysis_of(images, engine="dense").attribute(images[0], NODES)
    found = analysis.attribute(images[0], NODES)
    difference = found.window_score - exact.window_score
    for node in range(len(NODES)):
        rms = np.sqrt((difference[node] ** 2).mean())
        assert 0.3 < rms / target.error.rounding[node] < 3


def test_linear_classifiers_refuse_low_precision(images):
    linear = pda.LinearClassifier(np.ones((1, 7, 7)), 0.0)
    with pytest.raises(DataError, match="precision 'bfloat16': is not for the linear engine"):
        analysis_of(images, linear, precision="bfloat16")
    with pytest.raises(DataError, match="precision='float16': is unknown; did you mean 'bfloat16'"):
        analysis_of(images, precision="float16")


def test_batches_are_halved_when_memory_is_short(capsys):
    tried = []

    def run(part):
        tried.append(part.stop - part.start)
        if part.stop - part.start > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.arange(part.start, part.stop)

    found, enough = in_batches(run, 23, 20)
    assert found.tolist() == list(range(23))
    assert enough == 5
    assert tried == [20, 10, 5, 5, 5, 5, 3]
    assert capsys.readouterr().err.splitlines() == [
        "out of memory: going on with batches of 10",
        "out of memory: going on with batches of 5",
    ]


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("you can't allocate memory")],
)
def test_memory_for_not_even_one_image_is_said(error):
    def run(part):
        raise error

    with pytest.raises(DataError, match="memory: does not suffice for one image; use a smaller"):
        in_batches(run, 4, 2)


def test_other_errors_of_a_batch_are_not_hidden():
    def run(part):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        in_batches(run, 4, 2)


def test_a_map_is_whole_after_memory_was_short(images, monkeypatch):
    """The same map as with plenty of memory, up to rounding."""

    class Hungry(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, x):
            if len(x) > 8:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.inner(x)

    options = {"engine": "dense", "batch_size": 30}
    found = analysis_of(images, Hungry(), **options).attribute(images[0], NODES)
    whole = analysis_of(images, **options).attribute(images[0], NODES)
    np.testing.assert_allclose(found.relevance, whole.relevance, atol=1e-5)


class Random(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x.flatten(1)[:, :5], training=True)


class OfBatch(nn.Module):
    """Batch normalisation that knows no running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1, track_running_stats=False)

    def forward(self, x):
        return self.norm(x).flatten(1)[:, :3]


class Probabilities(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :3].softmax(1)


class NotFiniteLater(nn.Module):
    """Fine for the image itself; infinite where its first pixel is another."""

    def __init__(self, pixel):
        super().__init__()
        self.pixel = float(pixel)

    def forward(self, x):
        scores = x.flatten(1)[:, 3:6]
        with contextlib.suppress(IndexError):
            scores = torch.where((x[:, 0, :1, 0] > self.pixel), float("nan"), scores)
        return scores


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Random(), "classifier: returns other scores for the same image; switch its randomness"),
        (OfBatch(), "returns other scores when the image stands in a batch; let it treat"),
        (Probabilities(), "returns probabilities: not negative, with the sum 1; let it return"),
    ],
)
@pytest.mark.parametrize("engine", ["dense", "auto"])
def test_classifiers_that_would_give_wrong_maps_are_refused(images, module, message, engine):
    with pytest.raises(DataError, match=message):
        analysis_of(images, module, engine=engine).attribute(images[0], NODES)


@pytest.mark.parametrize("engine", ["dense", "auto"])
def test_values_that_are_not_finite_are_found_on_the_way(images, engine):
    image = np.abs(images[0])
    module = NotFiniteLater(image[0, 0, 0])
    with pytest.raises(DataError, match="values that are not finite; let it return finite class"):
        analysis_of(images, module, engine=engine).attribute(image, NODES)
