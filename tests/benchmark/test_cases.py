"""Every case evaluates what it says it does, so that their speeds can be compared."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

import prediction_difference as pda
from prediction_difference.benchmark import cases, exactness, others
from prediction_difference.benchmark.cases import make_case, prepare_cases
from prediction_difference.benchmark.exactness import measure_errors
from prediction_difference.benchmark.inputs import Inputs, natural_image
from prediction_difference.benchmark.maps import measure_maps
from prediction_difference.benchmark.memory import measure_memory
from prediction_difference.benchmark.others import _HostDraws
from prediction_difference.benchmark.settings import Errors, Maps, Network
from prediction_difference.benchmark.speed import in_rounds, ratios
from prediction_difference.benchmark.subject import share_of_rows, share_of_windows
from prediction_difference.benchmark.timing import summary
from prediction_difference.errors import DataError
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import ConditionalSampler

ENGINES = ("dense", "dense-bfloat16", "incremental", "incremental-bfloat16")


@pytest.fixture
def forwards(subject):
    """How many images the classifier is run on."""
    seen = []
    hook = subject.network.register_forward_hook(lambda _m, x, _y: seen.append(len(x[0])))
    yield seen
    hook.remove()


def test_a_larger_share_of_rows_holds_a_smaller_one(subject):
    small, large = share_of_rows(subject, 3, 7), share_of_rows(subject, 9, 7)
    np.testing.assert_array_equal(large.rows[:3], small.rows)
    assert set(share_of_rows(subject, 17, 8).rows) == set(range(17))
    assert small.windows(subject.grid) == 3 * 17


def test_windows_of_a_share_lie_in_the_grid_and_differ_by_turn(subject):
    share = share_of_windows(subject, 200, 1)
    assert share.corners.shape == (200, 2)
    assert share.corners.min() == 0
    assert share.corners.max() == 16
    assert (share.corners != share_of_windows(subject, 200, 2).corners).any()


@pytest.mark.parametrize(("batch", "windows"), [(8, 8), (12, 8), (7, 7), (None, 10)])
def test_shares_fill_whole_batches(subject, batch, windows):
    case = make_case(subject, "dense", batch)
    assert len(case.share(subject, 10, 0).corners) == windows


@pytest.mark.parametrize("name", ["dense", "bare", "published", "captum", "monai"])
def test_cases_run_as_many_forward_passes_as_they_say(subject, forwards, name):
    pytest.importorskip({"captum": "captum", "monai": "monai"}.get(name, "torch"))
    case = make_case(subject, name, batch=6)
    forwards.clear()
    done = case.run(share_of_windows(subject, 8, 0))
    of_the_image_itself = 1 if name == "captum" else 0
    assert done == 8
    assert sum(forwards) - of_the_image_itself == pytest.approx(8 * subject.samples, abs=3)


def test_captum_on_a_small_image_counts_what_was_done(subject, forwards):
    pytest.importorskip("captum")
    case = make_case(subject, "captum", batch=64)
    done = case.run(share_of_windows(subject, 1000, 0))
    assert done == pytest.approx(17 * 17 / subject.samples, abs=1)


@pytest.mark.parametrize("case", ["dense", "incremental"])
def test_engines_take_rows_and_windows(subject, case):
    run = make_case(subject, case).run
    assert run(share_of_rows(subject, 2, 0)) == 34
    assert run(share_of_windows(subject, 5, 0)) == 5


def test_the_published_draws_have_the_conditional_distribution(subject):
    """Against our sampler, for a prior whose channels are independent."""
    images = np.random.default_rng(0).random((60, 3, 20, 20)).astype(np.float32)
    prior = GaussianPatchPrior.fit(images, patch=6, channels="independent", patches=4000)
    subject = dataclasses.replace(subject, sampler=ConditionalSampler(prior, 4), samples=4000)
    corner = np.array([5, 0])
    ours = subject.sampler.sample(subject.image, corner[None], 4000, seed=1)[0].clip(0, 1)
    theirs = _HostDraws(subject)(corner)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs.mean(0), ours.mean(0), atol=0.03)
    np.testing.assert_allclose(theirs.std(0), ours.std(0), atol=0.03)


def test_what_is_not_installed_is_told_and_left_out(subject, monkeypatch):
    def missing(subject, batch):
        raise ImportError("No module named 'captum'")

    monkeypatch.setitem(cases._OTHERS, "captum", missing)
    ready = prepare_cases(subject, ("dense", "captum", "bare"), (6, 12), 0.01, 1)
    assert [case.name for case in ready.cases] == ["dense", "bare"]
    assert ready.refused == {"captum": "No module named 'captum'"}
    assert set(ready.sweeps["dense"]) == {6, 12}
    best = max(ready.sweeps["dense"], key=ready.sweeps["dense"].get)
    assert [case.batch for case in ready.cases] == [best, best]


def test_cases_take_turns_and_ratios_are_formed_within_rounds(subject, monkeypatch):
    ready = prepare_cases(subject, ("dense", "bare"), (6,), 0.01, 1)
    ticks = itertools.count(start=1)
    monkeypatch.setattr("prediction_difference.benchmark.speed.rate", lambda *_: float(next(ticks)))
    cold, warm = in_rounds(subject, ready.cases, rounds=2, seconds=1e-9, averaging=0.0)
    # Rates 1 and 2 size the shares; bare is first in round 1, dense in round 2.
    assert warm == {"dense": [4.0, 5.0], "bare": [3.0, 6.0]}
    assert cold == warm
    assert ratios(warm, "bare", "dense")["all"] == [0.75, 1.2]
    assert ratios(warm, "bare", "none") is None


def test_averaging_is_part_of_a_windows_time(subject, monkeypatch):
    ready = prepare_cases(subject, ("dense", "bare"), (6,), 0.01, 1)
    monkeypatch.setattr("prediction_difference.benchmark.speed.rate", lambda *_: 10.0)
    _, warm = in_rounds(subject, ready.cases, rounds=1, seconds=1e-9, averaging=0.1)
    assert warm == {"dense": [5.0], "bare": [10.0]}


def test_a_summary_keeps_every_value():
    assert summary([3.0, 1.0, 8.0]) == {"median": 3.0, "min": 1.0, "max": 8.0, "all": [3, 1, 8]}


def test_errors_are_against_dense_with_the_same_draws(subject):
    found = measure_errors(subject, Errors(windows=6, classes=3), ENGINES)
    assert found["windows"] == 10
    incremental, low = found["cases"]["incremental"], found["cases"]["dense-bfloat16"]
    assert incremental["score_largest"] < 1e-4 * found["score_range"]
    assert incremental["is_below_half_the_sampling_error"]
    assert 1e-4 < low["score_rms"] / found["score_range"] < 0.05
    assert low["evidence_rms"] <= low["evidence_largest"]
    assert found["sampling_error_of_evidence"] > 0
    assert "dense" not in found["cases"]


def test_a_case_that_fails_has_no_errors_but_a_reason(subject, monkeypatch):
    def refuse(*_):
        raise DataError("engine", "cannot follow this", "use dense")

    original = exactness._scores
    monkeypatch.setattr(
        exactness,
        "_scores",
        lambda s, case, *rest: original(s, case, *rest) if case == "dense" else refuse(),
    )
    found = measure_errors(subject, Errors(windows=2, classes=2), ("incremental",))
    assert found["cases"]["incremental"]["refused"] == "engine: cannot follow this; use dense"


def test_a_map_is_run_whole(subject, forwards):
    maps = Maps(cases=("dense", "dense-bfloat16"), stride=1)
    found = measure_maps(subject, maps, flops=1e12)
    macs = found["multiply_accumulates"]
    assert macs == 400 * 4 * 27 + 100 * 6 * 36 + 6 * 5
    windows = 17 * 17
    assert found["dense_floor_seconds"] == pytest.approx(2 * macs * windows * 3 / 1e12, rel=1e-4)
    dense, low = found["cases"]["dense"], found["cases"]["dense-bfloat16"]
    assert dense["forwards"] == windows * 3
    assert dense["seconds"] > 0
    nodes = [pda.Node.probability(subject.predicted)]
    expected = subject.analysis("dense").attribute(subject.image, nodes).window_score[0]
    np.testing.assert_allclose(dense["window_score"], expected, rtol=1e-4, atol=1e-6)
    assert dense["rounding_error_bits"] is None
    assert low["rounding_error_bits"] > 0
    assert low["went_on_in_float32"] == (
        low["rounding_error_bits"] > low["sampling_error_bits"] / 2
    )


def test_memory_is_that_of_a_process_of_its_own():
    """Which therefore does not see what this one holds."""
    image = natural_image(0, 32)
    prior = GaussianPatchPrior.fit(image[None], patch=6, patches=500)
    held = torch.ones(2**28)
    network = Network(architecture="squeezenet1_1", side=32)
    inputs = Inputs(image, ConditionalSampler(prior, 4))
    found = measure_memory(network, inputs, 2, 0, "cpu", {"dense": 4})["dense"]
    assert found["refused"] is None
    assert 100 < found["before_mib"] <= found["peak_mib"] < held.nbytes / 2**20


def test_the_counted_classifier_stops(subject):
    counted = others._Counted(subject.network)
    counted.left = 3
    images = torch.zeros(2, 3, 20, 20)
    assert counted(images).shape == (2, 5)
    with pytest.raises(others._Enough):
        counted(images)
