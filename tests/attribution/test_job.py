"""Chunks, resuming and publishing: maps do not depend on how the work was shared or interrupted."""

import copy
import errno
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr
from safetensors.torch import save_file
from torch import nn

import prediction_difference as pda
from prediction_difference.attribution.bench import Inputs
from prediction_difference.attribution.image_choice import slots
from prediction_difference.attribution.job import run_chunk
from prediction_difference.attribution.prediction_difference import PredictionDifference
from prediction_difference.attribution.publishing import publish
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.classifiers.loading import read_predictions
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.config import parse_config
from prediction_difference.data import digits
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.errors import DataError, StoreError
from prediction_difference.manifest import Origin, read_manifest
from prediction_difference.priors import marginal
from prediction_difference.priors.store import fit_priors, write_priors

RAW = {
    "run": {"name": "test", "seed": 7},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 5, "patches": 2000}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 2}},
    "explanations": {
        "conditional": {
            "method": "prediction-difference",
            "classifier": "network",
            "prior": "patches",
            "window": 2,
            "samples": 5,
            "images": {"correct": 1, "misclassified": 1},
            "nodes": [{}, {"of": "label", "output": "score"}, {"of": "8"}],
        },
        "marginal": {
            "method": "prediction-difference",
            "classifier": "network",
            "sampler": "marginal",
            "window": 3,
            "stride": 2,
            "samples": 4,
            "images": {"random": 2},
        },
        "sensitivity": {"method": "sensitivity", "classifier": "network", "images": {"random": 1}},
        "random": {"method": "random", "classifier": "network", "images": {"random": 1}},
    },
}

IMAGE = np.zeros((1, 2, 2), dtype=np.float32)


def config_with(**changes):
    """RAW with keys of the explanation `conditional` changed."""
    raw = copy.deepcopy(RAW)
    raw["explanations"]["conditional"] |= changes
    return parse_config(raw)


@dataclass(frozen=True)
class Stage:
    inputs: Inputs
    folder: Path

    def explain(self, config, name, work, chunks=1):
        """Run all chunks of an explanation and publish its images."""
        done = []
        for chunk in range(chunks):
            done.append(work / f"{chunk}.json")
            run_chunk(config, name, self.of(name), 0, chunk, work, done[-1], "cpu")
        stores = {}
        for slot in slots(config.explanations[name]):
            stores[slot] = work / f"{slot}.published.zarr"
            publish(config, name, slot, work, done, stores[slot])
        return {slot: pda.open_attribution(path).load() for slot, path in stores.items()}

    def of(self, name):
        prior = self.inputs.prior if name == "conditional" else None
        return Inputs(self.inputs.dataset, self.inputs.classifier, prior)


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Stage:
    folder = tmp_path_factory.mktemp("stage")
    config = parse_config(RAW)
    entry = config.datasets["digits"]
    write_dataset(
        digits.load(entry, "digits", 7), folder / "d.zarr", Origin({"entry": entry.content})
    )
    dataset = read_dataset(folder / "d.zarr")
    prior = config.priors["patches"]
    write_priors(fit_priors(dataset, prior, "patches", 7), [2], dataset, prior, folder / "p.zarr")
    make_classifier(config.classifiers["network"], "network", dataset, 7, "cpu", folder / "c")
    return Stage(Inputs(folder / "d.zarr", folder / "c", folder / "p.zarr"), folder)


def assert_same(first, second):
    for name in ("relevance", "standard_error", "window_score", "window_standard_error"):
        np.testing.assert_array_equal(first[name].values, second[name].values)


def test_one_and_seven_chunks_give_the_same_bits(stage, tmp_path):
    whole = stage.explain(config_with(), "conditional", tmp_path / "one")
    parts = stage.explain(config_with(chunks=7), "conditional", tmp_path / "seven", chunks=7)
    for slot in whole:
        assert_same(whole[slot], parts[slot])
        of_one, of_seven = (
            read_manifest(tmp_path / n / f"{slot}.published.zarr") for n in ("one", "seven")
        )
        assert of_one.origin.facts == of_seven.origin.facts


def test_more_chunks_than_rows_are_allowed(stage, tmp_path):
    whole = stage.explain(config_with(), "conditional", tmp_path / "one")
    parts = stage.explain(config_with(chunks=12), "conditional", tmp_path / "12", chunks=12)
    assert_same(whole["correct-1"], parts["correct-1"])


def count_rows(monkeypatch, stop_after=None):
    """Let rows be counted, and the job die after some of them."""
    rows = []
    original = PredictionDifference.row

    def row(self, target, index):
        if stop_after is not None and len(rows) == stop_after:
            raise KeyboardInterrupt
        rows.append(index)
        return original(self, target, index)

    monkeypatch.setattr(PredictionDifference, "row", row)
    return rows


def test_an_interrupted_chunk_goes_on_where_it_was(stage, tmp_path, monkeypatch):
    whole = stage.explain(config_with(), "conditional", tmp_path / "whole")
    work = tmp_path / "work"
    with monkeypatch.context() as patch:
        count_rows(patch, stop_after=9)
        with pytest.raises(KeyboardInterrupt):
            stage.explain(config_with(), "conditional", work)
    assert not (work / "0.json").exists()
    with monkeypatch.context() as patch:
        rows = count_rows(patch)
        resumed = stage.explain(config_with(), "conditional", work)
    assert rows == [2, 3, 4, 5, 6]
    for slot in whole:
        assert_same(whole[slot], resumed[slot])


def test_a_store_follows_the_contract(stage, tmp_path):
    maps = stage.explain(config_with(), "conditional", tmp_path)
    store = xarray.open_zarr(tmp_path / "misclassified-1.published.zarr")
    assert store["relevance"].dims == ("node", "y", "x")
    assert store["relevance"].dtype == np.float32
    assert store["standard_error"].dims == ("node", "y", "x")
    assert store["window_score"].dims == ("node", "window_y", "window_x")
    assert store["window_standard_error"].shape == (3, 7, 7)
    assert list(store["unit"].values) == ["bits", "activation", "bits"]
    assert store["image"].dims == ("channel", "y", "x")
    attributes = store.attrs
    assert attributes["forwards"] == 7 * 7 * 5
    assert attributes["seconds"] > 0
    assert attributes["settings"]["samples"] == 5
    assert [node["class"] for node in attributes["nodes"]][1:] == [attributes["label"], "8"]
    assert attributes["nodes"][0]["rank"] == 1
    assert attributes["predicted"] != attributes["label"]
    for key in ("classifier", "dataset", "image_name", "seed", "versions"):
        assert key in attributes
    dataset = read_dataset(stage.inputs.dataset)
    image = dataset.images[dataset.index(attributes["image_name"])]
    np.testing.assert_array_equal(maps["misclassified-1"]["image"], image)


def test_maps_can_be_aggregated_again_from_their_windows(stage, tmp_path):
    store = stage.explain(config_with(), "conditional", tmp_path)["correct-1"]
    total, visits = np.zeros((3, 8, 8)), np.zeros((8, 8))
    for y in store["window_y"].values:
        for x in store["window_x"].values:
            total[:, y : y + 2, x : x + 2] += store["window_score"].values[:, y, x, None, None]
            visits[y : y + 2, x : x + 2] += 1
    np.testing.assert_allclose(store["relevance"], total / visits, atol=1e-5)


def test_every_sort_of_image_is_what_it_says(stage, tmp_path):
    predictions = read_predictions(stage.inputs.classifier).set_index("image")
    maps = stage.explain(config_with(), "conditional", tmp_path)
    for sort, right in (("correct-1", True), ("misclassified-1", False)):
        row = predictions.loc[maps[sort].attrs["image_name"]]
        assert row["split"] == "test"
        assert (row["label"] == row["predicted"]) == right


@pytest.mark.parametrize("name", ["marginal", "sensitivity", "random"])
def test_other_methods_write_the_same_kind_of_store(stage, tmp_path, name):
    for store in stage.explain(config_with(), name, tmp_path).values():
        assert store["relevance"].shape == (1, 8, 8)
        assert np.isfinite(store["relevance"]).all()
        assert np.isfinite(store["standard_error"]).all() == (name == "marginal")


def test_marginal_samples_never_come_from_held_out_images(stage, tmp_path, monkeypatch):
    seen = []
    original = marginal.MarginalSampler

    def spy(images, window):
        seen.append(images)
        return original(images, window)

    monkeypatch.setattr(marginal, "MarginalSampler", spy)
    stage.explain(config_with(), "marginal", tmp_path)
    dataset = read_dataset(stage.inputs.dataset)
    assert seen
    for images in seen:
        np.testing.assert_array_equal(images, dataset.images[dataset.in_split("train")])


def fill_disk(monkeypatch, after):
    """Let every write fail after so many parts, as on a full disk."""
    written = []
    original = WorkingStore.write

    def write(self, part, values, seconds, forwards):
        written.append(part)
        if len(written) > after:
            from zarr.storage import LocalStore

            async def no_space(*args, **kwargs):
                raise OSError(errno.ENOSPC, "No space left on device")

            monkeypatch.setattr(LocalStore, "set", no_space)
        original(self, part, values, seconds, forwards)

    monkeypatch.setattr(WorkingStore, "write", write)


def test_a_full_disk_stops_with_a_message_and_loses_nothing(stage, tmp_path, monkeypatch):
    whole = stage.explain(config_with(), "conditional", tmp_path / "whole")
    work = tmp_path / "work"
    with monkeypatch.context() as patch:
        fill_disk(patch, after=4)
        with pytest.raises(StoreError, match="the disk is full; free some space and start again"):
            stage.explain(config_with(), "conditional", work)
    assert not (work / "0.json").exists()
    with monkeypatch.context() as patch:
        rows = count_rows(patch)
        resumed = stage.explain(config_with(), "conditional", work)
    assert rows == [4, 5, 6, *range(7)]
    assert_same(whole["correct-1"], resumed["correct-1"])


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 4 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(stage, tmp_path, tiny_disk):
    """Whatever is written when the space ends, the job says so and can go on with more space."""
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(bytes((4096 - 120) * 1024))
    with pytest.raises(StoreError, match="the disk is full"):
        stage.explain(config_with(), "conditional", tiny_disk / "work")
    assert not (tiny_disk / "work" / "0.json").exists()
    ballast.unlink()
    whole = stage.explain(config_with(), "conditional", tmp_path / "whole")
    run_chunk(
        config_with(), "conditional", stage.inputs, 0, 0, tiny_disk / "work",
        tmp_path / "0.json", "cpu",
    )  # fmt: skip
    publish(
        config_with(), "conditional", "correct-1", tiny_disk / "work",
        [tmp_path / "0.json"], tmp_path / "published.zarr",
    )  # fmt: skip
    assert_same(whole["correct-1"], pda.open_attribution(tmp_path / "published.zarr"))


def test_a_store_of_another_config_is_refused(stage, tmp_path):
    stage.explain(config_with(), "conditional", tmp_path)
    message = r"comes from another config: it was made with samples=5, the config says 6; make it"
    with pytest.raises(StoreError, match=message):
        publish(
            config_with(samples=6), "conditional", "correct-1", tmp_path,
            [tmp_path / "0.json"], tmp_path / "x.zarr",
        )  # fmt: skip
    assert not (tmp_path / "x.zarr").exists()


@pytest.mark.parametrize(
    ("section", "name", "key", "value"),
    [
        ("priors", "patches", "ridge", 0.5),
        ("classifiers", "network", "epochs", 3),
        ("datasets", "digits", "test_fraction", 0.4),
    ],
)
def test_inputs_of_another_config_are_refused(stage, tmp_path, section, name, key, value):
    raw = copy.deepcopy(RAW)
    raw[section][name][key] = value
    with pytest.raises(StoreError, match=f"another config: it was made with {key}="):
        stage.explain(parse_config(raw), "conditional", tmp_path)


def test_a_classifier_of_other_data_is_refused(stage, tmp_path):
    config = parse_config(RAW)
    entry = config.datasets["digits"]
    other = digits.load(entry, "digits", seed=8)
    write_dataset(other, tmp_path / "d.zarr", Origin({"entry": entry.content}))
    inputs = Inputs(tmp_path / "d.zarr", stage.inputs.classifier, stage.inputs.prior)
    with pytest.raises(StoreError, match="was made from other data than"):
        run_chunk(config, "conditional", inputs, 0, 0, tmp_path, tmp_path / "done", "cpu")
    assert not (tmp_path / "done").exists()


def test_publishing_needs_every_chunk(stage, tmp_path):
    config = config_with(chunks=2)
    done = tmp_path / "0.json"
    run_chunk(config, "conditional", stage.inputs, 0, 0, tmp_path, done, "cpu")
    with pytest.raises(StoreError, match=r"3 of its parts are missing or damaged; start again"):
        publish(
            config,
            "conditional",
            "correct-1",
            tmp_path,
            [done],
            tmp_path / "x",
        )
    # What was there is kept, and noted again.
    run_chunk(config, "conditional", stage.inputs, 0, 0, tmp_path, done, "cpu")
    other = tmp_path / "1.json"
    other.write_text(json.dumps({"stores": {"correct-1": "another.zarr"}}))
    with pytest.raises(StoreError, match="chunks were made from different inputs"):
        publish(
            config, "conditional", "correct-1", tmp_path, [done, other],
            tmp_path / "x",
        )  # fmt: skip


def test_a_store_that_another_job_made_first_is_kept(tmp_path):
    shapes = {"window_score": (1, 3, 2)}
    first = WorkingStore.open_or_create(tmp_path / "w.zarr", IMAGE, shapes, {"a": 1})
    first.write(1, {"window_score": np.ones((1, 2))}, 0.5, 3)
    from prediction_difference.attribution.working_store import _create
    from prediction_difference.files import publishing

    with publishing(tmp_path / "w.zarr", replace=False) as temporary:
        _create(temporary, IMAGE, shapes, {"a": 2})
    second = WorkingStore.open_or_create(tmp_path / "w.zarr", IMAGE, shapes, {"a": 3})
    assert second.attributes == {"a": 1}
    assert second.finished().tolist() == [False, True, False]
    assert [p.name for p in tmp_path.iterdir()] == ["w.zarr"]


def test_a_broken_working_store_is_named(tmp_path):
    WorkingStore.open_or_create(tmp_path / "w.zarr", IMAGE, {"relevance": (1, 1, 2)}, {})
    (tmp_path / "w.zarr" / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match=r"w\.zarr: cannot be read.*delete it and start again"):
        WorkingStore(tmp_path / "w.zarr").finished()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images": {"misclassified": 5000}},
            r"images: misclassified: 5000 are asked for.*has \d+",
        ),
        ({"images": ["digit-9999"]}, "image 'digit-9999': is not in the dataset"),
    ],
)
def test_images_that_do_not_exist_are_named(stage, tmp_path, changes, message):
    changes["images_per_job"] = 1
    config = config_with(**changes)
    batch = 4999 if "5000" in message else 0
    with pytest.raises(DataError, match=message):
        run_chunk(config, "conditional", stage.inputs, batch, 0, tmp_path, tmp_path / "d", "cpu")


def test_training_images_are_not_explained(stage, tmp_path):
    dataset = read_dataset(stage.inputs.dataset)
    name = dataset.names[int(np.flatnonzero(dataset.in_split("train"))[0])]
    with pytest.raises(DataError, match=f"image '{name}': the classifier was trained on it"):
        stage.explain(config_with(images=[name]), "conditional", tmp_path)


def test_attributions_are_recognised(stage, tmp_path):
    with pytest.raises(StoreError, match="there is no complete Zarr store here"):
        pda.open_attribution(tmp_path / "nothing.zarr")
    with pytest.raises(StoreError, match="kind 'dataset', not 'attribution'"):
        pda.open_attribution(stage.inputs.dataset)
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(StoreError, match="or an earlier version of prediction-difference wrote it"):
        pda.open_attribution(tmp_path / "other.zarr")


def only_output():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 1))


@pytest.mark.parametrize("method", ["prediction-difference", "sensitivity"])
def test_the_probability_of_an_only_output_is_refused(stage, tmp_path, method):
    (tmp_path / "classes.txt").write_text("eight\n")
    save_file(only_output().state_dict(), tmp_path / "weights.safetensors")
    raw = copy.deepcopy(RAW)
    raw["classifiers"]["network"] = {
        "kind": "torch",
        "dataset": "digits",
        "factory": f"{__name__}:only_output",
        "weights": str(tmp_path / "weights.safetensors"),
        "class_names": str(tmp_path / "classes.txt"),
        "training_instances": 10,
    }
    keys = {"sampler": "marginal", "window": 3} if method == "prediction-difference" else {}
    node = {"output": "probability"}
    one = {"method": method, "classifier": "network", "images": {"random": 1}, "nodes": [node]}
    raw["explanations"] = {"one": one | keys}
    config = parse_config(raw)
    network = config.classifiers["network"]
    dataset = read_dataset(stage.inputs.dataset)
    make_classifier(network, "network", dataset, 7, "cpu", tmp_path / "network")
    inputs = Inputs(stage.inputs.dataset, tmp_path / "network")
    with pytest.raises(DataError, match=r"one output, .* give the network two outputs"):
        run_chunk(config, "one", inputs, 0, 0, tmp_path, tmp_path / "done.json", "cpu")
