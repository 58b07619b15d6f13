"""The harness in its small setting: what it measures is what it says, and goes on when killed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import prediction_difference as pda
from benchmarks import cases, storage
from benchmarks.__main__ import main, run
from benchmarks.cases import make_case
from benchmarks.engines import measure_errors
from benchmarks.parts import all_parts
from benchmarks.planning import example, measure
from benchmarks.rounds import compared, in_rounds
from benchmarks.settings import BenchmarkSettings, Errors, read_settings
from prediction_difference.attribution.publishing import BY_NODE
from prediction_difference.config import parse_config
from prediction_difference.workload.jobs import jobs_of

ROOT = Path(__file__).parent.parent.parent
SMALL = Path(__file__).parent / "small.yaml"
PARTS = {
    "network-tiny-cpu", "map-tiny-cpu", "maps-tiny-cpu", "ablation-tiny-cpu", "linear-cpu",
    "perturbation-tiny-cpu", "scaling-cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    run(read_settings(SMALL), folder)
    return folder


@pytest.fixture(scope="module")
def results(output) -> dict:
    found = json.loads((output / "benchmark.json").read_text())
    return {part["part"]: part["result"] for part in found["parts"]}


def test_everything_is_measured_and_written(output, results):
    plots = {f"{n}.{k}" for n in ("speed", "ablation", "scaling", "maps") for k in ("png", "pdf")}
    assert {p.name for p in output.iterdir()} >= plots | {"table.md", "table.html"}
    assert set(results) == PARTS
    speeds = results["network-tiny-cpu"]["cases"]
    assert {name: c["refused"] for name, c in speeds.items() if c["refused"]} == {}
    assert all(len(case["rate"]["all"]) == 2 for case in speeds.values())
    assert speeds["dense"]["over_dense"]["all"] == [1.0, 1.0]
    assert set(speeds["captum"]["sweep"]) == {"2", "8"}
    assert results["network-tiny-cpu"]["memory"]["dense"]["peak_mib"] > 100
    variants = results["ablation-tiny-cpu"]["variants"]
    assert variants["everything"]["over_first"]["all"] == [1.0, 1.0]
    assert "does not have these options" in variants["impossible"]["refused"]
    perturbed = results["perturbation-tiny-cpu"]["cases"]
    hours = 5040 * 1001 * 2 / perturbed["whole"]["rate"]["median"] / 3600
    assert perturbed["whole"]["hours"] == pytest.approx(hours, rel=0.01)
    assert "whole passes do better" in perturbed["changes"]["refused"]
    points = results["scaling-cpu"]["points"]
    axes = [point["axis"] for point in points]
    assert axes == [a for a in dict.fromkeys(axes) for _ in range(2)]
    assert all(value > 0 for point in points for value in point["seconds_per_map"].values())


def test_a_map_is_run_whole(results):
    whole, low = results["map-tiny-cpu"], results["maps-tiny-cpu"]["cases"]["incremental-bfloat16"]
    macs = 24**2 * 4 * 27 + 12**2 * 6 * 36 + 6 * 5
    assert whole["multiply_accumulates"] == macs
    assert whole["windows"] == 21 * 21
    assert whole["dense_floor_seconds"] == pytest.approx(2 * macs * 21**2 * 2 / 400e12, rel=1e-4)
    assert whole["cases"]["dense"]["forwards"] == 21 * 21 * 2
    assert low["went_on_in_float32"] == (
        low["rounding_error_bits"] > low["sampling_error_bits"] / 2
    )


def test_tables_say_which_targets_are_reached(output):
    lines = (output / "table.md").read_text().splitlines()
    (reached,) = [x for x in lines if "incremental, float32" in x and "own choice" in x]
    (missed,) = [x for x in lines if "dense, bfloat16" in x and "50.0" in x]
    assert "≥ 0.00100: reached" in reached
    assert "≥ 50.0: missed by " in missed
    titles = [x for x in lines if x.startswith("### ")]
    assert len(titles) == 7
    assert (output / "table.html").read_text().count("<table") == 7


def test_a_killed_run_goes_on_and_other_settings_are_measured_anew(output, capsys):
    parts = output / "parts"
    assert {p.stem for p in parts.iterdir()} == PARTS
    kept = (parts / "network-tiny-cpu.json").read_bytes()
    (parts / "linear-cpu.json").write_text("not JSON")
    other = json.loads((parts / "map-tiny-cpu.json").read_text()) | {"digest": "of another"}
    (parts / "map-tiny-cpu.json").write_text(json.dumps(other))
    run(read_settings(SMALL), output)
    said = capsys.readouterr().err
    assert "map-tiny-cpu.json: was measured with other code or settings" in said
    measured = {x for x in said.splitlines() if x.startswith("measuring ")}
    assert measured == {"measuring map-tiny-cpu", "measuring linear-cpu"}
    assert (parts / "network-tiny-cpu.json").read_bytes() == kept


def test_targets_do_not_change_what_a_part_is():
    """Measurements of hours stay valid when only a hope is corrected."""
    raw = read_settings(SMALL).model_dump(mode="json")
    before = {part.name: part.digest for part in all_parts(BenchmarkSettings(**raw))}
    raw["networks"]["tiny"]["targets"]["incremental"] = 3
    assert {p.name: p.digest for p in all_parts(BenchmarkSettings(**raw))} == before
    raw["networks"]["tiny"]["side"] = 25
    after = {part.name: part.digest for part in all_parts(BenchmarkSettings(**raw))}
    of_network = {name for name in PARTS if name.startswith(("network", "map", "ablation"))}
    assert {name for name in before if after[name] != before[name]} == of_network


def test_shipped_settings_are_right_and_mistakes_are_told(tmp_path, monkeypatch):
    parts = all_parts(read_settings(ROOT / "benchmarks" / "settings.yaml"))
    assert len({part.name for part in parts}) == len(parts)
    file = tmp_path / "settings.yaml"
    file.write_text("networks: {a: {architecture: b}}\nablation: {networks: [c]}\n")
    monkeypatch.setattr("sys.argv", ["benchmarks", "--config", str(file)])
    with pytest.raises(SystemExit, match="c is not one of networks"):
        main()


@pytest.mark.parametrize("name", ["dense", "incremental", "bare", "published", "captum", "monai"])
def test_cases_evaluate_as_many_windows_as_they_say(subject, name):
    pytest.importorskip({"captum": "captum", "monai": "monai"}.get(name, "torch"))
    case = make_case(subject, name, batch=None if name == "published" else 6)
    seen: list[int] = []
    hook = subject.network.register_forward_hook(lambda _m, x, _y: seen.append(len(x[0])))
    done = case.run([subject.random_corners(8, turn=0)])
    hook.remove()
    assert done == 8
    of_the_image_itself = 1 if name == "captum" else 0
    if name != "incremental":
        assert sum(seen) - of_the_image_itself == pytest.approx(8 * subject.samples, abs=3)


def test_shares_fill_whole_batches_or_rows(subject):
    by_batch, by_row = make_case(subject, "dense", batch=12), make_case(subject, "incremental")
    assert [len(corners) for corners in by_batch.share(10, 0)] == [8]
    assert [len(corners) for corners in by_row.share(40, 0)] == [17, 17]
    np.testing.assert_array_equal(by_row.share(90, 0)[:2], by_row.share(40, 0))


def test_the_published_draws_have_the_conditional_distribution(subject):
    """Against our sampler, for a prior whose channels are independent."""
    images = np.random.default_rng(0).random((60, 3, 20, 20)).astype(np.float32)
    prior = pda.GaussianPatchPrior.fit(images, patch=6, channels="independent", patches=4000)
    subject = dataclasses.replace(subject, prior=prior, samples=4000)
    corner = np.array([5, 0])
    ours = subject.sampler.sample(subject.image, corner[None], 4000, seed=1)[0].clip(0, 1)
    theirs = cases._HostDraws(subject)(corner)
    np.testing.assert_allclose(theirs.mean(0), ours.mean(0), atol=0.03)
    np.testing.assert_allclose(theirs.std(0), ours.std(0), atol=0.03)


def test_cases_take_turns_and_ratios_are_formed_within_rounds():
    order: list[str] = []
    speeds = {"a": [2.0, 4.0], "b": [1.0, 8.0]}

    def rate(name: str, turn: int) -> float:
        order.append(name)
        return speeds[name][turn - 1]

    rates = in_rounds({n: lambda turn, n=n: rate(n, turn) for n in speeds}, 2)
    assert order == ["b", "a", "a", "b"]
    found = compared(rates, ["a"], {"c": {"refused": "why"}})
    assert found["b"]["over_a"] == {"median": 1.25, "min": 0.5, "max": 2.0, "all": [0.5, 2.0]}
    assert found["c"] == {"refused": "why"}


def test_errors_are_against_dense_with_the_same_draws(subject):
    engines = ("dense", "incremental", "dense-bfloat16")
    found = measure_errors(subject, Errors(windows=6, classes=3), engines)
    exact, low = found["cases"]["incremental"], found["cases"]["dense-bfloat16"]
    assert exact["score_largest"] < 1e-4 * found["score_range"]
    assert exact["is_below_half_the_sampling_error"]
    assert 1e-4 < low["score_rms"] / found["score_range"] < 0.05
    assert "dense" not in found["cases"]


def test_each_way_to_keep_maps_has_its_size_files_and_time():
    arrays = storage.example_arrays(nodes=2, side=16, window=4)
    assert tuple(arrays) == BY_NODE
    found = storage.measure(arrays, rounds=1)
    values = sum(array.nbytes for array in arrays.values())
    assert values < found["bytes"].iloc[0] < values + 4 * 200
    assert found["files"].to_list() == [4, *[4 + 4 + 1] * 6, 4 * 2 + 4 + 1]


@pytest.mark.workflow
def test_a_dry_run_plans_the_jobs_of_the_configuration(tmp_path):
    config = parse_config(example(tmp_path, 12))
    planned = measure(12, ROOT)
    # And the target, which is a job to Snakemake.
    assert planned["jobs"] == len(jobs_of(config, Path("results/growth"))) + 1
    assert planned["MB at the peak"] > 50
