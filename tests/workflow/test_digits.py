"""A whole run of digits and brains, and Slurm gives what a local run gives.

By profiles/slurm it runs on a real Slurm, disturbed.
"""

import html
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from safetensors.numpy import load_file

import prediction_difference as pda
from example_slurm import LittleSlurm, reason_to_skip
from prediction_difference.attribution.image_choice import slots
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.config import read_config
from prediction_difference.evaluation.perturbed_table import summarise
from prediction_difference.evaluation.table import read_table

from .test_workflow import Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(3600)]
DIGITS = Path(__file__).parent / "digits.yaml"
CONFIG = "digits.yaml"
RESULTS = "results/digits"
# Seconds for a Slurm that has one machine and nobody else's jobs.
HASTE = (
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
    "--latency-wait=10",
    "--slurm-keep-successful-logs",
)


def checkout_in(folder: Path) -> Checkout:
    checkout = Checkout(folder)
    shutil.copy(DIGITS, checkout.folder / CONFIG)
    return checkout


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Checkout:
    """A run without a cluster."""
    checkout = checkout_in(tmp_path_factory.mktemp("digits"))
    done = checkout.run(config=CONFIG)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture(scope="module")
def results(local) -> Path:
    return local.folder / RESULTS


def card(results, name):
    return json.loads((results / "classifiers" / name / "card.json").read_text())


def test_the_digit_network_reaches_97_percent(results):
    assert card(results, "digit-network")["accuracy"] >= 0.97


def test_the_diagnosis_is_better_than_chance_and_out_of_fold(results):
    diagnosis = card(results, "diagnosis")
    assert diagnosis["accuracy"] > 0.5
    assert diagnosis["held_out_images"] == 48
    assert len(diagnosis["training_instances"]) == 8


def test_every_explained_image_has_its_maps(results):
    config = read_config(DIGITS)
    for name, explanation in config.explanations.items():
        for slot in slots(explanation):
            store = pda.open_attribution(results / "attributions" / name / f"{slot}.zarr")
            assert bool(store["relevance"].notnull().all())
            is_right = store.attrs["predicted"] == store.attrs["label"]
            assert slot.startswith("sub-") or is_right == slot.startswith("correct")


def test_the_evaluation_compares_all_methods_on_the_same_images(results):
    table = read_table(results / "evaluations/digits-perturbation.parquet")
    by_hand = {}
    for (explanation, image), rows in table.groupby(["explanation", "image"]):
        curve = rows.groupby("step")["score"].mean().to_numpy()
        by_hand.setdefault(explanation, {})[image] = (curve[0] - curve).mean()
    assert len({tuple(sorted(images)) for images in by_hand.values()}) == 1
    assert len(by_hand["digits-random"]) == 8
    for _, row in summarise(table).iterrows():
        values = by_hand[row["explanation"]]
        assert row["aopc"] == pytest.approx(sum(values.values()) / 8)
    untouched = table[table["step"] == 0].groupby("image")["score"].nunique()
    assert set(untouched) == {1}


def test_the_report_shows_every_figure(results):
    page = html.unescape((results / "report" / "index.html").read_text())
    config = read_config(DIGITS)
    for figure in config.figures.values():
        assert figure.title in page
    assert page.count("data:image/png;base64,") >= len(config.figures)


def slurm_command(*options: str) -> list[str]:
    profile = ["--workflow-profile", "profiles/slurm", "--configfile", CONFIG]
    return [sys.executable, "-m", "snakemake", *profile, *HASTE, *options]


def tell(story: list[str], event: str) -> None:
    story.append(f"{time.strftime('%H:%M:%S')} {event}")
    print(story[-1], flush=True)


def wait_until(condition, run: subprocess.Popen, what: str, pause: float = 0.3):
    """The condition's value, once it is true."""
    while run.poll() is None:
        if found := condition():
            return found
        time.sleep(pause)
    pytest.fail(f"the run ended before {what}")


def half_done_chunks(checkout: Checkout) -> list[psutil.Process]:
    """Jobs that have finished some, but not all rows of windows of their explanation."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "chunk" not in words or "--work" not in words or "--name" not in words:
            continue
        work = checkout.folder / words[words.index("--work") + 1]
        rows = [WorkingStore(path).finished() for path in sorted(work.glob("*.zarr"))]
        if any(r.any() for r in rows) and not all(r.all() for r in rows):
            found.append(process)
    return found


def chunk_of(process: psutil.Process) -> str:
    words = process.info["cmdline"]
    return " ".join(words[words.index(key) + 1] for key in ("--name", "--chunk"))


def kill_one(checkout: Checkout, run: subprocess.Popen) -> str:
    """SIGKILL one chunk that has begun; its explanation and number."""
    while True:
        process, *_ = wait_until(
            lambda: half_done_chunks(checkout), run, "a chunk was seen at work"
        )
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
        return chunk_of(process)


def states(slurm: LittleSlurm) -> list[str]:
    return [job["JobState"] for job in slurm.jobs()]


def drain_and_resume(slurm: LittleSlurm, run: subprocess.Popen, story: list[str]) -> None:
    slurm.set_node("drain")
    tell(story, f"node drained; jobs: {', '.join(sorted(states(slurm)))}")

    def is_quiet() -> bool:
        now = states(slurm)
        return "PENDING" in now and not {"RUNNING", "COMPLETING"} & set(now)

    wait_until(is_quiet, run, "the drained node was empty", pause=1)
    for _ in range(5):
        time.sleep(1)
        assert is_quiet()
    tell(story, f"nothing runs, {states(slurm).count('PENDING')} jobs wait; node resumed")
    slurm.set_node("resume")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[LittleSlurm]:
    if reason := reason_to_skip():
        pytest.skip(reason)
    with LittleSlurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="module")
def disturbed(slurm, tmp_path_factory):
    """A finished run by Slurm: its checkout, what was done to it, and the jobs that there were."""
    checkout = checkout_in(tmp_path_factory.mktemp("by-slurm"))
    log, story = checkout.folder / "snakemake.out", []
    with log.open("w") as output:
        run = subprocess.Popen(
            slurm_command(),
            cwd=checkout.folder,
            env=checkout.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    tell(story, "started")
    try:
        tell(story, f"killed chunk {kill_one(checkout, run)} with SIGKILL")
        drain_and_resume(slurm, run, story)
        run.wait()
    finally:
        # Its jobs are cancelled with the cluster.
        run.kill()
        run.wait()
    tell(story, f"ended with {run.returncode}")
    assert run.returncode == 0, log.read_text()[-5000:]
    return checkout, log.read_text(), slurm.jobs()


def jobs_of(jobs: list[dict[str, str]], rule: str) -> list[dict[str, str]]:
    return [job for job in jobs if job.get("Comment", "").startswith(f"rule_{rule}")]


@pytest.mark.slurm
def test_one_job_failed_and_was_repeated_with_more(disturbed):
    _, output, jobs = disturbed
    failed = [job for job in jobs if job["JobState"] != "COMPLETED"]
    assert [job["JobState"] for job in failed] == ["FAILED"]
    assert failed[0] in jobs_of(jobs, "chunk")
    assert len(re.findall("Trying to restart job", output)) == 1
    assert failed[0]["MinMemoryNode"] == "4000M"
    assert failed[0]["TimeLimit"] == "04:00:00"
    (repeated,) = [job for job in jobs_of(jobs, "chunk") if job["TimeLimit"] != "04:00:00"]
    assert repeated["MinMemoryNode"] == "8000M"
    assert repeated["TimeLimit"] == "08:00:00"


@pytest.mark.slurm
def test_jobs_that_run_a_network_had_a_gpu_each(disturbed):
    _, _, jobs = disturbed
    asked = {job["Comment"]: job.get("TresPerJob") for job in jobs_of(jobs, "chunk")}
    linear = {comment for comment in asked if "brains-conditional" in comment}
    assert len(asked) == 8
    assert len(linear) == 2
    assert all((needs is None) == (job in linear) for job, needs in asked.items())
    assert all(needs in (None, "gres:gpu:1") for needs in asked.values())
    assert {job.get("TresPerJob") for job in jobs_of(jobs, "figure")} == {None}


def arrays_of(checkout: Checkout) -> dict[str, np.ndarray]:
    """Every number of a run that is no time, by its file."""
    results = checkout.folder / RESULTS
    found: dict[str, np.ndarray] = {}
    for store in sorted(results.glob("attributions/*/*.zarr")):
        opened = pda.open_attribution(store)
        for name, values in opened.data_vars.items():
            found[f"{store.relative_to(results)} {name}"] = values.values
    for weights in sorted(results.glob("classifiers/*/weights.safetensors")):
        for name, values in load_file(weights).items():
            found[f"{weights.relative_to(results)} {name}"] = values
    return found


def assert_equal(one: Checkout, other: Checkout) -> int:
    """Compare to the last bit; how many arrays there were."""
    ours, theirs = arrays_of(one), arrays_of(other)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)
    return len(ours)


@pytest.mark.slurm
def test_results_are_those_of_a_local_run_to_the_last_bit(disturbed, local):
    checkout, _, _ = disturbed
    assert assert_equal(checkout, local) > 50
    table = "evaluations/digits-perturbation.parquet"
    one, other = (pd.read_parquet(c.folder / RESULTS / table) for c in (checkout, local))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    figures = sorted((local.folder / RESULTS / "figures").rglob("*.json"))
    assert len(figures) == 4
    for figure in figures:
        there = checkout.folder / figure.relative_to(local.folder)
        assert json.loads(there.read_text()) == json.loads(figure.read_text())


@pytest.mark.slurm
def test_other_threads_change_results_by_float_rounding_only(slurm, disturbed, local):
    """A chunk that Slurm runs with two threads, beside the one that was run with one."""
    checkout, _, _ = disturbed
    name = "digits-marginal"
    results = checkout.folder / RESULTS
    for folder in (results / "chunks" / name, results / "attributions" / name):
        subprocess.run(["rm", "-r", str(folder)], check=True)
    stores = sorted((local.folder / RESULTS / "attributions" / name).glob("*.zarr"))
    target = str(stores[0].relative_to(local.folder) / "manifest.sha256")
    done = subprocess.run(
        slurm_command("--set-threads", "chunk=2", "--", target),
        cwd=checkout.folder,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {job["CPUs/Task"] for job in jobs_of(slurm.jobs(), "chunk")[-2:]} == {"2"}
    for store in stores:
        one = pda.open_attribution(store)
        two = pda.open_attribution(checkout.folder / store.relative_to(local.folder))
        scale = float(abs(one["relevance"]).max())
        np.testing.assert_allclose(
            two["relevance"].values, one["relevance"].values, rtol=1e-4, atol=1e-4 * scale
        )
