"""A user's own network on a cohort with folds: no file says what its weights were trained on."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from example_run import make_run
from prediction_difference import layout

SIDES = (5, 6, 7)
DOUBT = "whether the classifier was trained on this subject is not known"


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(SIDES)), 2))


def write_cohort(folder: Path) -> None:
    generator = np.random.default_rng(3)
    folder.mkdir()
    rows = ["participant_id\tgroup"]
    for number in range(8):
        volume = generator.uniform(0.2, 0.5, size=SIDES).astype(np.float32)
        volume[1:3, 1:3, 1:3] += 0.2 * (number % 2)
        file = folder / f"sub-{number}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([-2.0, 2, 2, 1])), file)
        rows.append(f"sub-{number}\t{('healthy', 'ill')[number % 2]}")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")


def configuration(folder: Path) -> dict[str, Any]:
    evidence = {
        "method": "prediction-difference",
        "prior": "patches",
        "window": 2,
        "stride": 2,
        "samples": 2,
        "images": ["sub-0"],
    }
    own = {
        "kind": "torch",
        "dataset": "cohort",
        "factory": f"{__name__}:network",
        "weights": str(folder / "weights.safetensors"),
        "training_instances": 100,
    }
    slices = {"kind": "volume-slices", "slices": 2, "hide_below": 0.1}
    return {
        "run": {"name": "tiny", "seed": 1, "device": "cpu"},
        "datasets": {
            "cohort": {"source": "nifti-cohort", "root": str(folder / "cohort"), "folds": 2}
        },
        "priors": {"patches": {"dataset": "cohort", "patch": 3, "patches": 200}},
        "classifiers": {
            "own": own,
            "fitted": {"kind": "logistic-regression", "dataset": "cohort"},
        },
        "explanations": {
            "of-own": evidence | {"classifier": "own"},
            "of-fitted": evidence | {"classifier": "fitted"},
        },
        "figures": {
            "own-slices": slices | {"explanations": ["of-own"]},
            "fitted-slices": slices | {"explanations": ["of-fitted"]},
        },
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    write_cohort(folder / "cohort")
    torch.manual_seed(0)
    save_file(network().state_dict(), folder / "weights.safetensors")
    results = folder / "tiny"
    make_run(configuration(folder), results)
    return results


def test_the_page_of_brains_says_what_is_known_of_each_classifier(results: Path) -> None:
    html = layout.brains_page(results, "cohort").read_text(encoding="utf-8")
    catalogue = html.split('id="catalogue">')[1].split("</script>")[0]
    stores = {Path(one["link"]).parts[-2]: one for one in json.loads(catalogue)["stores"]}
    assert stores["of-own"]["seen"]["Classifier"] == DOUBT
    fold = stores["of-fitted"]["seen"]["Prior"].removeprefix("fitted without ")
    assert fold.startswith("fold-")
    known = f"out of fold: by a classifier fitted without {fold}"
    assert stores["of-fitted"]["seen"]["Classifier"] == known
    # The pipeline fits the prior whatever the classifier is.
    assert stores["of-own"]["seen"]["Prior"] == f"fitted without {fold}"


def test_the_report_knows_of_which_classifier_it_may_speak(results: Path) -> None:
    html = " ".join(layout.report_page(results).read_text(encoding="utf-8").split())
    assert "fitted: each of them is classified by weights that were fitted without it." in html
    assert "own: each of them" not in html
    assert "Of classifier own it is not known whether it was trained on such images." in html
    assert "100, as configured" in html


def test_sidecars_of_maps_speak_of_classifier_and_prior_by_themselves(results: Path) -> None:
    folder = results / "attributions"
    notes = {
        name: json.loads((folder / name / "sub-0.json").read_text())["note"]
        for name in ("of-own", "of-fitted")
    }
    assert notes["of-own"].startswith(
        f"{DOUBT[0].upper()}{DOUBT[1:]}. The prior was fitted without"
    )
    assert notes["of-fitted"].startswith(
        "Out of fold: by a classifier fitted without this subject."
    )


def test_captions_call_images_held_out_only_where_they_are(results: Path) -> None:
    captions = {
        name: json.loads((results / f"figures/tiny/{name}.json").read_text())["caption"]
        for name in ("own-slices", "fitted-slices")
    }
    assert "1 held-out image of dataset cohort" in captions["fitted-slices"]
    assert "not known" not in captions["fitted-slices"]
    assert "1 image of dataset cohort" in captions["own-slices"]
    assert "Of classifier own it is not known" in captions["own-slices"]
