"""The whole target in its small setting: as a user runs it, by hand and by snakemake."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent
PLOTS = {
    f"{name}.{kind}" for name in ("speed", "ablation", "scaling", "maps") for kind in ("png", "pdf")
}
PARTS = {
    "network-tiny-cpu", "map-tiny-cpu", "maps-tiny-cpu", "ablation-tiny-cpu", "linear-cpu",
    "perturbation-tiny-cpu", "scaling-cpu",
}  # fmt: skip
TREE = ("Snakefile", "workflow", "src", "config", "profiles", "envs", "pyproject.toml")


def run_by_hand(output: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "prediction_difference", "benchmark",
         "--config", str(HERE / "small.yaml"), "--output", str(output)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    said = run_by_hand(folder)
    assert said.count("measuring ") == len(PARTS)
    return folder


def test_everything_is_written(output):
    names = {p.name for p in output.iterdir()}
    assert names >= PLOTS | {"benchmark.json", "table.md", "table.html", "parts"}
    assert {p.stem for p in (output / "parts").iterdir()} == PARTS


def test_the_numbers_say_what_was_measured_with_what(output):
    found = json.loads((output / "benchmark.json").read_text())
    assert found["settings"]["networks"]["tiny"]["targets"]["incremental"] == 0.001
    machine = found["machine"]
    assert machine["threads"] == 1
    assert machine["versions"]["torch"]
    parts = {part["part"]: part for part in found["parts"]}
    assert set(parts) == PARTS
    network = parts["network-tiny-cpu"]["result"]
    speeds = network["cases"]
    assert {name: c["refused"] for name, c in speeds.items() if c["refused"]} == {}
    for case in speeds.values():
        assert len(case["windows_per_second"]["all"]) == 2
        assert case["windows_per_second"]["median"] > 0
    assert speeds["dense"]["ratio_to_dense"]["all"] == [1.0, 1.0]
    assert set(speeds["captum"]["sweep"]) == {"2", "8"}
    assert network["memory"]["dense"]["peak_mib"] > 100
    variants = parts["ablation-tiny-cpu"]["result"]["variants"]
    assert variants["everything"]["refused"] is None
    assert "does not have these options" in variants["impossible"]["refused"]
    perturbed = parts["perturbation-tiny-cpu"]["result"]
    assert perturbed["forwards"] == 5040 * 1001 * 2
    assert perturbed["cases"]["bare"]["share_of_bare"]["all"] == [1.0, 1.0]
    whole = perturbed["cases"]["whole"]
    speed = whole["forwards_per_second"]["median"]
    assert whole["hours"] == pytest.approx(5040 * 1001 * 2 / speed / 3600, rel=0.01)
    assert "whole passes do better" in perturbed["cases"]["changes"]["refused"]
    axes = [point["axis"] for point in parts["scaling-cpu"]["result"]["points"]]
    assert axes == [a for a in dict.fromkeys(axes) for _ in range(2)]
    seconds = [p["seconds_per_map"] for p in parts["scaling-cpu"]["result"]["points"]]
    assert all(value > 0 for point in seconds for value in point.values())


def test_the_table_says_which_targets_are_reached(output):
    text = (output / "table.md").read_text()
    (reached,) = [x for x in text.splitlines() if "tiny | incremental, float32 | own" in x]
    (missed,) = [x for x in text.splitlines() if x.startswith("| tiny | dense, bfloat16")]
    assert "≥ 0.00100: reached" in reached
    assert "≥ 50.0: missed by " in missed
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1, block
    assert (output / "table.html").read_text().count("<table>") == text.count("### ")


def test_a_killed_run_goes_on_with_what_is_missing(output):
    kept = (output / "parts" / "network-tiny-cpu.json").read_bytes()
    (output / "parts" / "linear-cpu.json").unlink()
    (output / "benchmark.json").unlink()
    said = run_by_hand(output)
    assert [x for x in said.splitlines() if x.startswith("measuring")] == ["measuring linear-cpu"]
    assert (output / "parts" / "network-tiny-cpu.json").read_bytes() == kept
    assert (output / "benchmark.json").is_file()


def test_what_was_measured_with_other_settings_is_measured_anew(output):
    file = output / "parts" / "linear-cpu.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "digest": "of something else"}))
    said = run_by_hand(output)
    assert "linear-cpu.json: was measured with other code or settings" in said
    assert said.count("measuring ") == 1
    file.write_text("not JSON")
    assert run_by_hand(output).count("measuring ") == 1


@pytest.mark.workflow
def test_snakemake_makes_the_target(output, tmp_path):
    for part in TREE:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    shutil.copy(HERE / "small.yaml", tmp_path / "workflow" / "benchmark.yaml")
    shutil.copy(HERE / "benchmark_networks.py", tmp_path / "src")
    # So that nothing is measured twice.
    shutil.copytree(output / "parts", tmp_path / "results" / "benchmark" / "parts")
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "benchmark"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(tmp_path / "src"),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = {p.name for p in (tmp_path / "results" / "benchmark").iterdir()}
    assert made >= PLOTS | {"benchmark.json", "table.md", "table.html"}
    assert "measuring" not in (tmp_path / "logs" / "benchmark" / "benchmark.log").read_text()
