"""The command line: help everywhere, and errors that a person can act on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COMMANDS = (
    "check", "schema", "reference", "data", "prior", "classifier", "chunk", "attribution",
    "shard", "evaluation", "figure", "report", "verify", "explain",
    "simulate-cohort", "plan", "progress",
)  # fmt: skip


def call(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "prediction_difference", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
    )


def test_the_program_names_every_command():
    done = call("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_help(command):
    done = call(command, "--help")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any(line.strip() and not line.strip().startswith("Usage") for line in lines)
    options = [line for line in lines if line.startswith("│") and "--" in line]
    assert all(len(line.strip("│ *").split()) > 2 for line in options), options


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(
        "datasets: {digits: {source: sklearn-digits}}\n"
        "classifiers: {network: {kind: train, dataset: digits}}\n"
    )
    return str(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "--name", "digit", "--output", "x"], "datasets.digit: is not in the config; it"),
        (
            ["classifier", "--name", "network", "--data", "nowhere.zarr", "--output", "x"],
            "nowhere.zarr: there is no complete Zarr store here; make it first",
        ),
    ],
)
def test_errors_are_one_message_without_traceback(config, tmp_path, arguments, message):
    done = call(arguments[0], "--config", config, *arguments[1:])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


def test_check_tells_what_is_wrong_and_what_is_right(config, tmp_path):
    done = call("check", "--config", config)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no problems found" in done.stderr
    (tmp_path / "bad.yaml").write_text("datasets: {digits: {source: sklearn-digit}}\nrum: {}\n")
    done = call("check", "--config", str(tmp_path / "bad.yaml"))
    assert done.returncode == 2
    assert "2 problems found" in done.stderr


def test_names_that_a_shell_would_run_are_only_names(config, tmp_path):
    output = tmp_path / "a b;$(touch evil)'\"" / "digits.zarr"
    done = call("data", "--config", config, "--name", "digits", "--output", str(output))
    assert done.returncode == 0, done.stderr
    assert (output / "zarr.json").is_file()


def test_a_cohort_is_written_and_not_overwritten(tmp_path):
    place = str(tmp_path / "cohort")
    arguments = ["simulate-cohort", place, "--patients", "2", "--controls", "2", "--seed", "3"]
    done = call(*arguments)
    assert done.returncode == 0, done.stderr
    assert "2 controls and 2 patients" in done.stderr
    assert (tmp_path / "cohort" / "sub-02" / "dwi" / "sub-02_FA.nii.gz").is_file()
    done = call(*arguments)
    assert done.returncode == 2
    assert "is there already; choose another folder" in done.stderr
