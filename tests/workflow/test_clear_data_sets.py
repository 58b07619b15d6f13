"""What clear2017 asks of SVHN and Stanford Dogs, on small files in the formats of these."""

import copy
import json
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import scipy.io
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import datasets, models

import example_pipeline
from prediction_difference.attribution.clear import class_colours
from prediction_difference.classifiers.card import read_card
from prediction_difference.config import read_yaml
from prediction_difference.config.settings import with_setting

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COLOURS = class_colours(10)
RIGHT, WRONG = 3, 2
"""Held-out images of each class that look like it, and that look like the next one."""


def coloured(number: int, side: int, generator: np.random.Generator) -> np.ndarray:
    """(side, side, 3) uint8: a square of a class's colour on grey noise."""
    image = generator.uniform(0.3, 0.5, (side, side, 3))
    image[side // 4 : -side // 4, side // 4 : -side // 4] = COLOURS[number % 10]
    return np.asarray(np.round(255 * image), dtype=np.uint8)


def looks(split: str, training: int) -> list[tuple[int, int]]:
    """Class, and what the image looks like, of every image of a split."""
    if split == "train":
        return [(c, c) for c in range(10) for _ in range(training)]
    return [(c, c + (n >= RIGHT)) for c in range(10) for n in range(RIGHT + WRONG)]


def of_paper(names: tuple[str, ...]) -> dict[str, Any]:
    """The full setting of clear2017, as far as it is about some of its datasets."""
    paper = read_yaml(ROOT / "config/papers/clear2017.yaml") | {"setting": "full"}
    merged, problems = with_setting(paper)
    assert not problems
    raw: dict[str, Any] = copy.deepcopy(dict(merged))
    raw["priors"] = {}
    raw["datasets"] = {n: raw["datasets"][n] for n in names}
    raw["classifiers"] = {n: c for n, c in raw["classifiers"].items() if c["dataset"] in names}
    kept = raw["explanations"] = {
        n: e
        for n, e in raw["explanations"].items()
        if e["classifier"] in raw["classifiers"] and "prior" not in e
    }
    for entry in raw["evaluations"].values():
        entry["explanations"] = [n for n in entry.get("explanations", ()) if n in kept]
    raw["evaluations"] = {n: e for n, e in raw["evaluations"].items() if e["explanations"]}
    raw["figures"] = {
        n: f
        for n, f in raw["figures"].items()
        if set(f.get("explanations", [])) <= set(kept)
        and f.get("evaluation", "") in ("", *raw["evaluations"])
        and "rows" not in f
    }
    raw["run"] |= {"seed": 1, "device": "cpu"}
    return raw


@pytest.fixture
def svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, generator: np.random.Generator) -> Path:
    listed = {}
    for split in ("train", "test"):
        path = tmp_path / f"{split}_32x32.mat"
        images = [coloured(look, 32, generator) for _, look in looks(split, 12)]
        # Zeros have the label 10, and images are the last dimension.
        labels = np.array([c or 10 for c, _ in looks(split, 12)])[:, None]
        scipy.io.savemat(path, {"X": np.stack(images, -1), "y": labels})
        listed[split] = ["", path.name, md5(path.read_bytes(), usedforsecurity=False).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)
    return tmp_path


def test_svhn(svhn: Path, tmp_path: Path) -> None:
    """Table 1 and Fig. 4, by deconvolution and LRP."""
    raw = of_paper(("second",))
    raw["datasets"]["second"] |= {"root": svhn}
    raw["classifiers"]["of-second"] |= {"width": 8, "epochs": 24, "dropout": 0, "batch_size": 8}
    for name, entry in raw["explanations"].items():
        if name.startswith("second-any"):
            entry["images"] = {"random": 12}
        if name.startswith("second-decided"):
            entry["images"] = {"correct": 10, "misclassified": 10}
    results = example_pipeline.run(raw, tmp_path)
    assert read_card(results / "classifiers" / "of-second").accuracy == pytest.approx(0.6, abs=0.15)
    table = pandas.read_parquet(results / "evaluations" / "table-1-second.parquet")
    assert set(table["part"]) == {"full", "only", "without"}
    assert set(table["explanation"]) >= {"second-any", "second-any-lrp"}
    assert table.attrs["settings"]["fill"] == 0.5
    drawn = json.loads((results / "figures" / "clear2017" / "figure-4.json").read_text())
    shown = drawn["numbers"]["images"]
    assert len(shown) == 20
    assert [one["label"] == one["predicted"] for one in shown] == [True, False] * 10


@pytest.fixture
def dogs(tmp_path: Path, generator: np.random.Generator) -> Path:
    breeds = of_paper(("dogs",))["datasets"]["dogs"]["breeds"]
    root = tmp_path / "stanford_dogs"
    for split in ("train", "test"):
        files = []
        for n, (c, look) in enumerate(looks(split, 6)):
            folder = root / "Images" / f"n{c:08d}-{breeds[c].replace(' ', '_')}"
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"n{c:08d}_{split}{n}.jpg"
            Image.fromarray(coloured(look, 80, generator)).save(file)
            files.append(f"{folder.name}/{file.name}")
        cells = np.empty((len(files), 1), dtype=object)
        cells[:, 0] = [np.array([file]) for file in files]
        scipy.io.savemat(root / f"{split}_list.mat", {"file_list": cells})
    return root


def test_stanford_dogs(dogs: Path, tmp_path: Path) -> None:
    """Figs. 5 to 7, by VGG16 with two new convolutions."""
    weights = tmp_path / "vgg16.safetensors"
    torch.manual_seed(0)
    save_file(models.vgg16().state_dict(), weights)
    raw = of_paper(("dogs",))
    raw["datasets"]["dogs"] |= {"root": dogs, "size": [64, 64]}
    raw["classifiers"]["of-dogs"] |= {"weights": weights, "epochs": 20, "batch_size": 10}
    for name in ("dogs-decided", "dogs-decided-lrp"):
        raw["explanations"][name]["images"] = {"correct": 4, "misclassified": 4}
    results = example_pipeline.run(raw, tmp_path)
    assert read_card(results / "classifiers" / "of-dogs").accuracy == pytest.approx(0.6, abs=0.15)
    images = {}
    for figure in ("figure-5", "figure-6", "figure-7"):
        drawn = json.loads((results / "figures" / "clear2017" / f"{figure}.json").read_text())
        images[figure] = [
            (i["label"], i["label"] == i["predicted"]) for i in drawn["numbers"]["images"]
        ]
    four = ("Shih-Tzu", "Maltese dog", "Chihuahua", "toy terrier")
    assert images["figure-5"] == [(breed, True) for breed in four]
    two = ("Chihuahua", "Rhodesian ridgeback")
    sorts = (True,) * 3 + (False,) * 2
    assert images["figure-6"] == [(breed, is_right) for breed in two for is_right in sorts]
    assert images["figure-7"] == [(breed, False) for breed in two]
