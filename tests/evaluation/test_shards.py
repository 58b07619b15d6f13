"""Shards of an evaluation: curves do not depend on how images were shared out or interrupted."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import prediction_difference as pda
from prediction_difference import layout
from prediction_difference.attribution.bench import Inputs
from prediction_difference.attribution.image_choice import slots
from prediction_difference.attribution.job import run_chunk
from prediction_difference.attribution.publishing import publish
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import load_module
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.config import parse_config
from prediction_difference.data import digits
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.errors import ConfigError, DataError, StoreError
from prediction_difference.evaluation import shards as module
from prediction_difference.evaluation.perturbed_table import evaluate
from prediction_difference.evaluation.shards import read_shards, run_shard
from prediction_difference.manifest import Origin
from prediction_difference.priors.store import fit_priors, write_priors
from prediction_difference.run import Config

EXPLAINED = {"classifier": "network", "images": {"random": 3}}
RAW: dict[str, Any] = {
    "run": {"name": "test", "seed": 7},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 5, "patches": 2000}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 2}},
    "explanations": {
        "lrp": {"method": "lrp_epsilon", **EXPLAINED},
        "chance": {"method": "random", **EXPLAINED},
    },
    "evaluations": {
        "aopc": {
            "measure": "aopc",
            "explanations": ["lrp", "chance"],
            "region": 2,
            "steps": 4,
            "repeats": 3,
        }
    },
}


def config_with(**changes: Any) -> Config:
    raw = copy.deepcopy(RAW)
    raw["evaluations"]["aopc"] |= changes
    return parse_config(raw)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, a prior, a classifier, and attributions."""
    folder = tmp_path_factory.mktemp("results")
    config = parse_config(RAW)
    entry, data = config.datasets["digits"], folder / "d.zarr"
    write_dataset(digits.load(entry, "digits", 7), data, Origin({"entry": entry.content}))
    dataset, prior = read_dataset(data), config.priors["patches"]
    write_priors(fit_priors(dataset, prior, "patches", 7), [2], dataset, prior, folder / "p.zarr")
    network = folder / "classifiers/network"
    make_classifier(config.classifiers["network"], "network", dataset, 7, "cpu", network)
    for name, explanation in config.explanations.items():
        done = folder / f"{name}.json"
        run_chunk(config, name, Inputs(data, network), 0, 0, folder / "work", done, "cpu")
        for slot in slots(explanation):
            store = layout.attribution_store(folder, name, slot)
            publish(config, name, slot, folder / "work", [done], store)
    return folder


def curves_of(config: Config, results: Path, work: Path, **inputs: Path) -> Any:
    done = []
    for shard in range(len(config.evaluations["aopc"].shards(config.explanations))):
        done.append(work / f"{shard}.json")
        run_shard(config, "aopc", results, shard, work, done[-1], "cpu", **inputs)
    return evaluate(config.evaluations["aopc"], "aopc", results, read_shards(work, done))


def test_shards_give_the_numbers_of_the_function(results: Path, tmp_path: Path) -> None:
    config = config_with()
    table = curves_of(config, results, tmp_path)
    card = read_card(results / "classifiers/network")
    for slot in slots(config.explanations["lrp"]):
        store = pda.open_attribution(layout.attribution_store(results, "lrp", slot))
        network = load_module(results / "classifiers/network", card, store.attrs["split"])
        unit = store.attrs["nodes"][0]["unit"]

        def both(images: torch.Tensor, network: Any = network, unit: int = unit) -> torch.Tensor:
            scores = network(images)
            return torch.stack([scores[:, unit], scores.softmax(1)[:, unit]], 1)

        expected = pda.perturbation_curves(
            both,
            store["image"].values,
            store["relevance"].values[0],
            region=2,
            steps=4,
            repeats=3,
            value_range=tuple(store.attrs["value_range"]),
            seed=7,
        )
        mine = table[(table["explanation"] == "lrp") & (table["image"] == slot)]
        mine = mine.sort_values(["repeat", "step"])
        values = mine[["score", "probability"]].to_numpy().reshape(3, 5, 2)
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
        assert (values[..., 1] <= 1).all()
    assert table.attrs["forwards"] == 2 * 3 * (3 * 4 + 1)


def test_numbers_do_not_depend_on_the_sharing_out(results: Path, tmp_path: Path) -> None:
    whole = curves_of(config_with(), results, tmp_path / "one")
    parts = curves_of(config_with(images_per_job=1), results, tmp_path / "three")
    assert whole.equals(parts)


def test_curves_serve_both_outputs(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for the other one, a shard has nothing left to compute."""
    first = curves_of(config_with(), results, tmp_path)

    def unused(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr(module, "perturbation_curves", unused)
    again = curves_of(config_with(output="probability"), results, tmp_path)
    assert again.equals(first)


def test_the_table_tells_what_maps_cost(results: Path, tmp_path: Path) -> None:
    cost = curves_of(config_with(), results, tmp_path).attrs["cost"]
    stores = [
        pda.open_attribution(layout.attribution_store(results, "lrp", slot))
        for slot in slots(parse_config(RAW).explanations["lrp"])
    ]
    assert cost["lrp"]["forwards"] == np.median([store.attrs["forwards"] for store in stores])
    assert cost["lrp"]["seconds"] == pytest.approx(np.median([s.attrs["seconds"] for s in stores]))
    assert cost["chance"]["forwards"] == 0


def test_a_killed_shard_goes_on_after_the_last_curve(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = curves_of(config_with(), results, tmp_path / "one")
    original, calls = module.perturbation_curves, []

    def dying(*arguments: Any, **options: Any) -> Any:
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(1)
        return original(*arguments, **options)

    monkeypatch.setattr(module, "perturbation_curves", dying)
    with pytest.raises(KeyboardInterrupt):
        curves_of(config_with(), results, tmp_path / "killed")
    assert not (tmp_path / "killed" / "0.json").exists()
    calls.clear()

    def counting(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        return original(*arguments, **options)

    monkeypatch.setattr(module, "perturbation_curves", counting)
    resumed = curves_of(config_with(), results, tmp_path / "killed")
    assert len(calls) == 2 * 3 - 3
    assert whole.equals(resumed)


def test_low_precision_is_close(results: Path, tmp_path: Path) -> None:
    exact = curves_of(config_with(), results, tmp_path / "exact")
    rough = curves_of(config_with(precision="bfloat16"), results, tmp_path / "rough")
    difference = (rough["score"] - exact["score"]).abs().max()
    assert 0 < difference < 0.05 * np.ptp(exact["score"])


@pytest.mark.parametrize("perturbation", ["blur", "mean", "conditional"])
def test_every_perturbation_runs_in_a_shard(
    perturbation: str, results: Path, tmp_path: Path
) -> None:
    is_drawn = perturbation == "conditional"
    prior = {"prior": "patches"} if is_drawn else {}
    inputs = {"data": results / "d.zarr", "prior": results / "p.zarr"} if is_drawn else {}
    table = curves_of(config_with(perturbation=perturbation, **prior), results, tmp_path, **inputs)
    spread = table.groupby(["explanation", "image", "step"])["score"].std()
    assert (spread[spread.index.get_level_values("step") == 4] > 1e-6).any() == is_drawn
    assert np.isfinite(table["score"]).all()


def test_what_does_not_belong_together_is_refused(results: Path, tmp_path: Path) -> None:
    config = config_with()
    with pytest.raises(DataError, match="--shard 1: evaluation 'aopc' has 1, counted from 0"):
        run_shard(config, "aopc", results, 1, tmp_path, tmp_path / "x.json", "cpu")
    run_shard(config, "aopc", results, 0, tmp_path, tmp_path / "0.json", "cpu")
    read = read_shards(tmp_path, [tmp_path / "0.json"])
    with pytest.raises(StoreError, match="it was made with repeats=3, the config says 4"):
        evaluate(config_with(repeats=4).evaluations["aopc"], "aopc", results, read)
    (tmp_path / "bad.json").write_text(json.dumps({"shard": 0}))
    with pytest.raises(StoreError, match=r"bad\.json: is not the done-file of a job"):
        read_shards(tmp_path, [tmp_path / "bad.json"])
    missing = config_with(perturbation="conditional", prior="patches")
    with pytest.raises(DataError, match="--data and --prior: are needed"):
        run_shard(missing, "aopc", results, 0, tmp_path, tmp_path / "x.json", "cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"perturbation": "conditional"}, "goes with a prior; name one"),
        ({"prior": "patches"}, "goes without a prior; remove it"),
        ({"perturbation": "conditional", "prior": "patch"}, "did you mean 'patches'?"),
        (
            {"perturbation": "conditional", "prior": "patches", "region": 5, "steps": 1},
            "region=5 does not fit inside patch=5 of prior 'patches'; set region to at most 4",
        ),
    ],
)
def test_priors_of_regions_are_checked_before(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config_with(**changes)
    assert message in str(refused.value)
