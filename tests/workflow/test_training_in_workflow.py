"""Heatmaps of a network while it is trained: checkpoints as classifiers, curves over them."""

import copy
import json

import pandas
import pytest

from example_networks import weights_sum
from prediction_difference.classifiers.card import read_card

from .test_workflow import Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
EPOCHS = (0, 2)
IMAGES = {"random": 2}


def explanation(method: str, epoch: int) -> dict:
    return {"method": method, "classifier": f"epoch-{epoch}", "images": IMAGES}


CONFIG = {
    "run": {"name": "tiny", "seed": 1, "device": "cpu"},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "classifiers": {
        "trained": {
            "kind": "train",
            "dataset": "digits",
            "width": 4,
            "epochs": 2,
            "precision": "bfloat16",
            "shift": 1,
            "checkpoints": [0, 2],
        },
        **{f"epoch-{n}": {"kind": "checkpoint", "of": "trained", "epoch": n} for n in EPOCHS},
    },
    "explanations": {
        f"{method}-{epoch}": explanation(method, epoch)
        for epoch in EPOCHS
        for method in ("sensitivity", "random")
    },
    "evaluations": {
        f"after-{epoch}": {
            "measure": "aopc",
            "explanations": [f"sensitivity-{epoch}", f"random-{epoch}"],
            "region": 2,
            "steps": 4,
            "repeats": 2,
        }
        for epoch in EPOCHS
    },
    "figures": {
        "curves": {"kind": "training-curves", "evaluations": ["after-0", "after-2"]},
        "maps": {
            "kind": "heatmaps",
            "explanations": ["sensitivity-0", "sensitivity-2"],
            "limit": "map",
        },
    },
}


def test_curves_over_a_training_are_those_of_its_checkpoints(tmp_path):
    checkout = Checkout(tmp_path)
    checkout.write(CONFIG)
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    classifiers = checkout.results / "classifiers"
    trained, untrained, last = (
        read_card(classifiers / name) for name in ("trained", "epoch-0", "epoch-2")
    )
    assert weights_sum(classifiers / "epoch-2") == weights_sum(classifiers / "trained")
    assert untrained.accuracy < last.accuracy == trained.accuracy
    numbers = json.loads((checkout.results / "figures/tiny/curves.json").read_text())["numbers"]
    assert numbers["epochs"] == [0, 2]
    assert numbers["accuracy"] == pytest.approx([untrained.accuracy, last.accuracy], rel=1e-5)
    tables = [checkout.results / f"evaluations/after-{epoch}.parquet" for epoch in EPOCHS]
    names = [set(pandas.read_parquet(table)["image_name"]) for table in tables]
    assert names[0] == names[1]
    assert len(names[0]) == 2
    assert checkout.planned() == {}
    other = copy.deepcopy(CONFIG)
    other["classifiers"]["trained"]["shift"] = 0
    checkout.write(other)
    assert checkout.planned()["classifier"] == 3
