"""The plan counts what jobs then do, and its advice keeps what it promises."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prediction_difference.config import parse_config, read_yaml
from prediction_difference.workload.counting import Work, count
from prediction_difference.workload.planning import Step, advise, plan, share_of_start, total
from prediction_difference.workload.speeds import Speed, Speeds
from prediction_difference.workload.table import hours, plan_text, size

ROOT = Path(__file__).parent.parent.parent
DIGITS = {
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 5}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "width": 8}},
}
WORK = Work("explanations", "e", "prediction-difference", "c", "windows", 100, 14, 500, 10, 8)


def config_of(explanations, evaluations=None):
    return parse_config({**DIGITS, "explanations": explanations, "evaluations": evaluations or {}})


def explained(method: str, **others):
    return {"method": method, "classifier": "network", "images": {"random": 20}, **others}


def differences(**others):
    return explained("prediction-difference", prior="patches", **others)


@pytest.mark.parametrize(
    ("settings", "forwards"),
    [
        (differences(window=4, stride=4, samples=4), 2 * 2 * 4),
        # Positions 0, 2, 4 and the last one, 5, along each axis.
        (differences(window=3, stride=2, samples=4), 4 * 4 * 4),
        (explained("sensitivity"), 1),
        (explained("sensitivity", nodes=[{"of": "0"}, {"of": "1"}]), 2),
        (explained("sensitivity", nodes=[{"classes": "all"}]), 10),
        (explained("integrated_gradients", steps=7), 7),
        (explained("occlusion", window=4, stride=4), 4),
        (explained("random"), 0),
    ],
)
def test_forward_passes_of_an_image(settings, forwards):
    (work,) = count(config_of({"e": settings}))
    assert work.forwards == forwards
    assert work.total_forwards == 20 * forwards
    assert work.unknown == ""


def test_jobs_are_batches_times_chunks_and_the_one_that_publishes():
    settings = explained("prediction-difference", prior="patches", window=2)
    (work,) = count(config_of({"e": {**settings, "images_per_job": 6, "chunks": 3}}))
    assert work.jobs == 4 * 3 + 1
    assert work.share == 1 / 3


def test_disk_is_that_of_the_arrays():
    """Two images, relevance and errors; scores and errors of windows, worked on and published."""
    settings = explained("prediction-difference", prior="patches", window=2, stride=2)
    (work,) = count(config_of({"e": settings}))
    assert work.bytes == 4 * (2 * 64 + 2 * 64 + 4 * 16)


def test_perturbation_is_counted_for_every_method():
    maps = {"a": explained("random"), "b": explained("sensitivity")}
    aopc = {"measure": "aopc", "explanations": ["a", "b"], "steps": 6, "repeats": 3, "region": 2}
    work = count(config_of(maps, {"aopc": {**aopc, "images_per_job": 3}}))[-1]
    assert work.forwards == 2 * (3 * 6 + 1)
    assert work.jobs == 7 + 1


def test_what_only_the_data_tell_is_said():
    raw = {
        "datasets": {"own": {"source": "image-folder", "root": "x", "test_fraction": 0.5}},
        "classifiers": {"network": {"kind": "train", "dataset": "own"}},
        "explanations": {"e": explained("sensitivity")},
    }
    config = parse_config(raw)
    (work,) = count(config)
    assert work.forwards is None
    (step,) = plan([work], Speeds(config, "cpu", {}))
    assert step.seconds is None
    text = plan_text([step], "cpu", 10, 1)
    assert "Not in these sums, as their cost is unknown: e." in text
    assert "Unknown: only the files of 'own' tell the size of its images." in text


def test_headers_of_an_own_cohort_are_counted_with(tmp_path):
    import nibabel

    volume = np.full((9, 10, 11), 0.5, np.float32)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "s1.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\tgroup\ns1\ta\ns2\tb\n")
    slab = {"axis": 0, "start": 0, "stop": 5}
    network = {"kind": "train", "dataset": "own", "architecture": "volume-convolutional"}
    evidence = differences(window=3, stride=2, samples=4) | {"images": ["s1"]}
    raw = {
        "datasets": {"own": {"source": "nifti-cohort", "root": str(tmp_path), "slab": slab}},
        "priors": {"patches": {"dataset": "own", "patch": 5}},
        "classifiers": {"network": network},
        "explanations": {"e": evidence},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(raw))
    command = [sys.executable, "-m", "prediction_difference", "plan", "--config"]
    done = subprocess.run(
        [*command, str(tmp_path / "config.yaml")], capture_output=True, text=True, check=True
    )
    (row,) = [line for line in done.stdout.splitlines() if "explanations.e" in line]
    # Along 5, 10 and 11 voxels: 2, 5 and 5 windows, the last one moved to the end.
    assert f"{2 * 5 * 5 * 4}" in row
    assert "?" not in row


@pytest.mark.parametrize("seconds", [1e-6, 0.003, 0.4, 30.0, 7.3])
def test_advice_keeps_the_start_below_a_twentieth(seconds):
    step = Step(replace(WORK, images=10**9), Speed(seconds, "x"))
    advice = advise(step, start=10, longest=600)
    advised = replace(step.work, images_per_job=advice.images_per_job, share=1 / advice.chunks)
    share = share_of_start(replace(step, work=advised), start=10)
    assert share <= 0.05
    assert step.seconds_of_image / advice.chunks <= 600
    fewer = replace(advised, images_per_job=advice.images_per_job - 1)
    if fewer.images_per_job:
        assert share_of_start(replace(step, work=fewer), start=10) > 0.05


def test_heatmaps_are_not_shared_between_jobs():
    step = Step(replace(WORK, kind="passes"), Speed(1000.0, "x"))
    assert advise(step).chunks == 1


def test_totals_name_what_is_not_in_them():
    known, unknown = Step(WORK, Speed(2.0, "x")), Step(replace(WORK, name="u"), None)
    found = total([known, unknown], start=10)
    assert found.seconds == 100 * 500 * 2 + 28 * 10
    assert found.unknown == ("u",)


def test_a_measured_speed_goes_before_the_table():
    config = config_of({"e": explained("sensitivity")})
    (work,) = count(config)
    key = ("sensitivity", "all-convolutional-8-1", "float32")
    speed = Speeds(config, "cpu", {key: Speed(3.0, "measured in r")}).of(work)
    assert speed == Speed(3.0, "measured in r")
    assert Speeds(config, "cpu", {}).of(work).source == "estimate"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e13, "25 TB")]
)
def test_sizes_are_in_a_unit_that_fits(value, text):
    assert size(value) == text


def test_hours_have_two_digits():
    assert (hours(360), hours(36000), hours(36e6)) == ("0.1", "10", "10,000")


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda f: f.stem)
def test_every_shipped_configuration_can_be_counted(file, monkeypatch):
    monkeypatch.setenv("PDA_DATA", "/nowhere")
    monkeypatch.setenv("MRI_COHORT", "/nowhere")
    raw = read_yaml(file)
    for setting in raw.get("settings") or [None]:
        chosen = {} if setting is None else {"setting": setting}
        works = count(parse_config(raw | chosen))
        assert all((work.forwards is None) == bool(work.unknown) for work in works)
        assert works


def test_the_command_names_a_paper_that_is_not_there():
    command = [sys.executable, "-m", "prediction_difference", "plan", "--paper", "pda2071"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(
        r"there is no config/papers/pda2071\.yaml; did you mean 'pda2017'", done.stderr
    )
