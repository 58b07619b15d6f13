"""The quickstart's photographs, with few windows and draws; its brains are those of other tests."""

import html
from pathlib import Path

import pytest
import yaml

import prediction_difference as pda
from prediction_difference.config import read_config
from prediction_difference.evaluation.table import read_table

from .test_workflow import Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parent.parent.parent
CLASSES = {"chelsea": ["tiger cat", "Egyptian cat", "tabby"], "coffee": ["espresso", "cup"]}


def reduced(raw: dict) -> dict:
    """The quickstart without its brains, and for a minute of work."""
    for explanation in raw["explanations"].values():
        if "stride" in explanation:
            explanation["stride"] = 16
        if "samples" in explanation:
            explanation |= {"samples": 2, "images_per_job": 8}
    raw["evaluations"]["perturbation"] |= {"steps": 4, "repeats": 2}
    del raw["datasets"]["brains"], raw["priors"]["brain-patches"], raw["figures"]["brains"]
    del raw["classifiers"]["diagnosis"], raw["explanations"]["brains-conditional"]
    return raw


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    found = Checkout(tmp_path_factory.mktemp("quickstart"))
    raw = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    found.write(reduced(raw), "reduced.yaml")
    done = found.run(config="reduced.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return found


@pytest.fixture(scope="module")
def results(checkout) -> Path:
    return checkout.folder / "results/quickstart"


@pytest.mark.parametrize("image", CLASSES)
def test_every_method_explains_the_classes_of_each_photograph(checkout, results, image):
    config = read_config(checkout.folder / "reduced.yaml")
    assert set(config.explanations) >= {"conditional", "marginal", "random-order"}
    assert len(config.explanations) == 5
    for name in config.explanations:
        store = pda.open_attribution(results / "attributions" / name / f"{image}.zarr")
        assert bool(store["relevance"].notnull().all())
        assert store["relevance"].shape == (3, 224, 224)
        classes = [node["class"] for node in store.attrs["nodes"]]
        assert classes[: len(CLASSES[image])] == CLASSES[image]


def test_all_methods_are_measured_on_both_photographs(results):
    table = read_table(results / "evaluations/perturbation.parquet")
    assert set(table["image"]) == {"chelsea", "coffee"}
    assert table.groupby("explanation")["image"].nunique().tolist() == [2] * 5


def test_the_report_shows_every_figure_and_nothing_clinical(checkout, results):
    page = html.unescape((results / "report" / "index.html").read_text())
    config = read_config(checkout.folder / "reduced.yaml")
    for figure in config.figures.values():
        assert figure.title in page
    assert page.count("data:image/png;base64,") >= len(config.figures)
    assert "clinical" not in page.lower()
