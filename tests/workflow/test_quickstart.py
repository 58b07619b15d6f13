"""The quickstart keeps what the README promises of it."""

import html
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import prediction_difference as pda
from prediction_difference.config import read_config, slots
from prediction_difference.evaluation.table import read_table, summarise

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("quickstart")
    scripts = Path(sys.executable).parent
    command = [
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--directory",
        str(folder),
    ]
    config = ["--configfile", str(ROOT / "config/config.yaml"), "--cores", "2"]
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, *command, *config],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results" / "quickstart"


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
    config = read_config(ROOT / "config/config.yaml")
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
    config = read_config(ROOT / "config/config.yaml")
    for figure in config.figures.values():
        assert figure.title in page
    assert page.count("data:image/png;base64,") >= len(config.figures)
