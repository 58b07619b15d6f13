"""Photographs explained by a network from elsewhere, with priors that did not see them."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray
from safetensors.torch import save_file
from torch import nn

import prediction_difference as pda
from example_photographs import save
from prediction_difference.attribution.bench import Inputs
from prediction_difference.attribution.image_choice import slots
from prediction_difference.attribution.job import run_chunk
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.publishing import publish
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.errors import DataError
from prediction_difference.manifest import Origin
from prediction_difference.preflight import checked_config
from prediction_difference.priors.store import fit_priors, read_fitted_on, write_priors
from prediction_difference.run import Config

IDS = tuple(f"n{number:08d}" for number in range(6))


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 6))


@dataclass(frozen=True)
class Run:
    """All stages up to the attribution of one explanation, in a folder."""

    folder: Path

    def config(self, datasets: dict[str, Any], prior_from: str, **keys: Any) -> Config:
        classifier = {
            "kind": "torch",
            "dataset": "photos",
            "factory": f"{__name__}:network",
            "weights": str(self.folder / "net.safetensors"),
            "class_names": str(self.folder / "synset_words.txt"),
            "training_instances": 100,
        }
        explanation = {
            "method": "prediction-difference",
            "classifier": "net",
            "window": 2,
            "stride": 2,
            "samples": 3,
            **keys,
        }
        if keys.get("sampler") != "marginal":
            explanation["prior"] = "patches"
        return checked_config(
            {
                "datasets": datasets,
                "priors": {"patches": {"dataset": prior_from, "patch": 4, "patches": 500}},
                "classifiers": {"net": classifier},
                "explanations": {"maps": explanation},
            }
        )

    def explain(self, config: Config) -> dict[str, xarray.Dataset]:
        stores = self.folder / "stores"
        for name, entry in config.datasets.items():
            dataset = entry.load(name, 0)
            write_dataset(dataset, stores / f"{name}.zarr", Origin({"entry": entry.content}))
        prior = config.priors["patches"]
        fitted_to = read_dataset(stores / f"{prior.dataset}.zarr")
        priors = fit_priors(fitted_to, prior, "patches", 0)
        write_priors(priors, [2], fitted_to, prior, stores / "prior.zarr")
        photos = read_dataset(stores / "photos.zarr")
        make_classifier(config.classifiers["net"], "net", photos, 0, "cpu", stores / "net")
        explanation = config.explanations["maps"]
        assert isinstance(explanation, PredictionDifference)
        inputs = Inputs(
            stores / "photos.zarr",
            stores / "net",
            stores / "prior.zarr" if explanation.prior else None,
            stores / f"{explanation.reference}.zarr" if explanation.reference else None,
        )
        done = stores / "done.json"
        run_chunk(config, "maps", inputs, 0, 0, stores / "work", done, "cpu")
        maps = {}
        for slot in slots(explanation):
            publish(config, "maps", slot, stores / "work", [done], stores / f"{slot}.zarr")
            maps[slot] = pda.open_attribution(stores / f"{slot}.zarr").load()
        return maps


@pytest.fixture
def run(tmp_path: Path) -> Run:
    torch.manual_seed(0)
    save_file(network().state_dict(), tmp_path / "net.safetensors")
    names = ("crane", "crane", "newt", "owl", "pug", "tench, Tinca tinca")
    lines = [f"{id} {name}" for id, name in zip(IDS, names, strict=True)]
    (tmp_path / "synset_words.txt").write_text("\n".join(lines))
    return Run(tmp_path)


def flat(root: Path, **others: Any) -> dict[str, Any]:
    return {"source": "image-folder", "root": str(root), "size": [8, 8], **others}


def save_all(folder: Path, count: int, first: int = 0) -> Path:
    for number in range(first, first + count):
        save(folder / f"{number}.png", (9, 12, 3), seed=number)
    return folder


def test_unlabelled_photographs_in_folds(run: Run) -> None:
    root = save_all(run.folder / "photos", 7)
    config = run.config({"photos": flat(root, folds=3)}, "photos", images={"random": 4})
    maps = run.explain(config)
    photos = read_dataset(run.folder / "stores" / "photos.zarr")
    fitted_on = read_fitted_on(run.folder / "stores" / "prior.zarr")
    assert len({store.attrs["image_name"] for store in maps.values()}) == 4
    for store in maps.values():
        index, split = photos.index(store.attrs["image_name"]), store.attrs["split"]
        assert split == photos.split[index]
        assert not fitted_on.used[split][index]
        assert fitted_on.used[split].sum() in (4, 5)
        assert np.isfinite(store["relevance"]).all()
        assert store.attrs["label"] is None
    card = read_card(run.folder / "stores" / "net")
    assert card.training_instances == {"any": 100}
    assert card.accuracy is None


def test_imagenet_with_one_image_of_each_class_in_folds(run: Run) -> None:
    for number, id in enumerate(IDS):
        save(run.folder / f"{id}_x.png", (9, 12, 3), seed=number)
    dataset = {"source": "imagenet", "root": str(run.folder), "size": [8, 8], "folds": 3}
    nodes = [{"of": "label"}, {"of": "crane (n00000001)"}]
    names = [f"{IDS[1]}_x", f"{IDS[5]}_x"]
    maps = run.explain(run.config({"photos": dataset}, "photos", images=names, nodes=nodes))
    photos = read_dataset(run.folder / "stores" / "photos.zarr")
    assert sorted(photos.split) == sorted(f"fold-{number:02d}" for number in (0, 0, 1, 1, 2, 2))
    assert [store.attrs["label"] for store in maps.values()] == ["crane (n00000001)", "tench"]
    first = maps[names[0]]
    np.testing.assert_array_equal(first["relevance"][0], first["relevance"][1])
    assert read_card(run.folder / "stores" / "net").held_out_images == 6


@pytest.mark.parametrize("is_cut_differently", [False, True])
def test_a_prior_of_another_dataset_that_knows_the_image_is_refused(
    run: Run, is_cut_differently: bool
) -> None:
    root = save_all(run.folder / "photos", 3)
    others = save_all(run.folder / "others", 4, first=10)
    # Photographs are compared before any job; split datasets only once it is known what is drawn.
    datasets = {"photos": flat(root, test_fraction=0.4), "others": flat(others)}
    if is_cut_differently:
        datasets["others"]["resize"] = [8, 8]
    config = run.config(datasets, "others", images={"random": 1})
    (store,) = run.explain(config).values()
    shutil.copy(root / f"{store.attrs['image_name']}.png", others / "copy.png")
    config = run.config(datasets, "others", images={"random": 1})
    message = r"image '\d': the prior was fitted on it, as 'copy' of dataset 'others'; take it out"
    with pytest.raises(DataError, match=message):
        run.explain(config)


def test_a_copy_in_another_fold_is_refused(run: Run) -> None:
    root = save_all(run.folder / "photos", 5)
    shutil.copy(root / "0.png", root / "copy.png")
    datasets = {"photos": flat(root, folds=6)}
    with pytest.raises(DataError, match="image '0': the prior was fitted on it, as 'copy' of"):
        run.explain(run.config(datasets, "photos", images=["0"]))
    assert run.explain(run.config(datasets, "photos", images=["1"]))


def test_copies_among_the_reference_images_are_left_out(run: Run) -> None:
    """Whatever was cut out of them: of two references, one is the explained photograph."""
    root = save_all(run.folder / "photos", 1)
    others = save_all(run.folder / "others", 1, first=10)
    datasets = {"photos": flat(root), "others": flat(others, resize=[8, 8])}
    keys = {"sampler": "marginal", "reference": "others", "images": ["0"]}
    before = run.explain(run.config(datasets, "others", **keys))["0"]
    shutil.copy(root / "0.png", others / "copy.png")
    after = run.explain(run.config(datasets, "others", **keys))["0"]
    np.testing.assert_array_equal(before["relevance"], after["relevance"])
