"""A user's own photographs with their own network, and a user's own cohort, as the README says."""

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file
from torch import nn

import prediction_difference as pda

from .test_workflow import ROOT, Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
NETWORK = """
from torch import nn

def network():
    features = nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
    return nn.Sequential(features, nn.Flatten(), nn.Linear(16, 3))
"""


def write_photographs(folder, count, generator):
    folder.mkdir()
    for number in range(count):
        pixels = generator.integers(0, 255, size=(40, 50 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"my photo's; {number}.png")


def write_network(folder):
    (folder / "src" / "my_module.py").write_text(NETWORK)
    torch.manual_seed(0)
    scope: dict = {}
    exec(NETWORK, scope)
    network: nn.Module = scope["network"]()
    save_file(network.state_dict(), folder / "my_weights.safetensors")
    (folder / "my_classes.txt").write_text("cat\ndog\nnewt\n")
    return network


def write_cohort(folder, generator):
    import nibabel

    folder.mkdir()
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])
    rows = ["participant_id\tgroup"]
    for number in range(12):
        volume = generator.uniform(0.2, 0.5, size=(8, 9, 10)).astype(np.float32)
        volume[2:5, 2:5, 2:5] += 0.2 * (number % 2)
        name = f"sub-{number:02d}"
        nibabel.save(nibabel.Nifti1Image(volume, affine), folder / f"{name}.nii.gz")
        rows.append(f"{name}\t{('healthy', 'ill')[number % 2]}")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")


def example(name):
    return yaml.safe_load((ROOT / "config/examples" / f"{name}.yaml").read_text())


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_own_photographs_and_network(checkout, generator):
    folder = checkout.folder
    write_photographs(folder / "photographs", 3, generator)
    write_photographs(folder / "other-photographs", 4, generator)
    network = write_network(folder)
    config = example("own_images")
    background = {"source": "image-folder", "root": "other-photographs"}
    config["datasets"]["background"] |= background
    for dataset in config["datasets"].values():
        dataset |= {"size": [32, 30], "resize": None}
    config["priors"]["patches"] |= {"patch": 8, "patches": 2000}
    config["classifiers"]["network"] = {
        "kind": "torch",
        "factory": "my_module:network",
        "weights": "my_weights.safetensors",
        "class_names": "my_classes.txt",
        "training_instances": 1000,
        "dataset": "photographs",
    }
    names = ["my photo's; 0", "my photo's; 2"]
    for explanation in config["explanations"].values():
        explanation["images"] = names
    config["explanations"]["evidence"] |= {"window": 5, "stride": 5, "samples": 3}
    checkout.write(config)
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    stores = sorted((folder / "results/own-images/attributions/evidence").glob("*.zarr"))
    assert len(stores) == 2
    store = pda.open_attribution(stores[0])
    assert store["relevance"].shape == (3, 32, 30)
    assert store.attrs["image_name"] == names[0]
    with torch.inference_mode():
        scores = network(torch.from_numpy(store["image"].values[None]))
    assert store.attrs["predicted"] == ("cat", "dog", "newt")[int(scores.argmax())]
    assert (folder / "results/own-images/report/index.html").is_file()
    assert checkout.planned() == {}
    config["datasets"]["photographs"]["clinical"] = True
    checkout.write(config)
    # What is said changes, and nothing that is computed.
    assert checkout.planned().keys() == {"all", "figure", "report"}
    config["datasets"]["photographs"]["clinical"] = False
    checkout.write(config)
    assert checkout.planned() == {}
    photograph = folder / "photographs" / f"{names[0]}.png"
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(photograph)
    assert checkout.planned()["data"] == 1
    (folder / "my_classes.txt").write_text("cat\ndog\nolm\n")
    assert checkout.planned()["classifier"] == 1


def test_own_cohort(checkout, generator):
    folder = checkout.folder
    write_cohort(folder / "cohort", generator)
    config = example("cohort")
    config["datasets"]["cohort"] |= {"slab": {"axis": 2, "start": 1, "stop": 8}, "folds": 3}
    config["priors"]["patches"] |= {"patch": 5, "patches": 2000}
    config["explanations"]["evidence"]["images"] = {"random": 2}
    checkout.write(config)
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    for slot in ("random-1", "random-2"):
        store = pda.open_attribution(folder / f"results/cohort/attributions/evidence/{slot}.zarr")
        assert store["relevance"].dims == ("node", "x", "y", "z")
        assert store["relevance"].shape == (1, 8, 9, 7)
        assert store.attrs["split"].startswith("fold-")
        inside = np.abs(store["relevance"].values[0, 2:5, 2:5, 1:4]).mean()
        assert inside > np.abs(store["relevance"].values).mean()
    assert (folder / "results/cohort/figures/cohort/evidence.png").is_file()


def test_a_cohort_with_problems_is_refused_with_all_of_them(checkout, generator):
    folder = checkout.folder
    write_cohort(folder / "cohort", generator)
    (folder / "cohort" / "sub-03.nii.gz").unlink()
    (folder / "cohort" / "sub-05.nii.gz").write_bytes(b"not a volume")
    config = example("cohort")
    config["datasets"]["cohort"] |= {"slab": None, "folds": 3}
    checkout.write(config)
    done = checkout.run("--dry-run")
    assert done.returncode != 0
    message = " ".join((done.stdout + done.stderr).split())
    assert "sub-03" in message
    assert "sub-05" in message
