"""Maps of turned images: what ignores the image keeps a correlation of 1."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prediction_difference as pda
from prediction_difference import layout
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import load_module
from prediction_difference.config import parse_config
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.image_specificity import summarise_specificity, turned
from prediction_difference.evaluation.map_numbers import correlation
from prediction_difference.evaluation.measure import Inputs
from prediction_difference.evaluation.table import read_table, write_table

EXPLAINED = {"classifier": "network", "images": {"random": 3}}
RAW: dict[str, Any] = {
    "run": {"name": "test", "seed": 7, "device": "cpu"},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "classifiers": {
        "network": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 2},
        "another": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 1},
    },
    "explanations": {
        "lrp": {"method": "lrp_epsilon", "relative": True, **EXPLAINED},
        "deconvolution": {"method": "deconvolution", **EXPLAINED},
        "chance": {"method": "random", **EXPLAINED},
    },
    "evaluations": {
        "turned": {
            "measure": "image-specificity",
            "explanations": ["lrp", "deconvolution", "chance"],
            "degrees": [45, 90],
            "kept": 1,
        }
    },
}
CONFIG = parse_config(RAW)


def measured(config, name, results):
    return config.evaluations[name].table(Inputs(config, name, results))


@pytest.fixture(scope="module")
def results(tmp_path_factory, run_digits) -> Path:
    return run_digits(CONFIG, tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def table(results):
    path = results / "turned.parquet"
    write_table(measured(CONFIG, "turned", results), path)
    return read_table(path)


def test_a_right_angle_turns_counter_clockwise(generator):
    for side in (5, 8):
        pixels = generator.normal(size=(2, side, side))
        np.testing.assert_allclose(turned(pixels, 90), np.rot90(pixels, axes=(1, 2)), atol=1e-9)
        np.testing.assert_array_equal(turned(pixels, 0), pixels)


def test_without_pooling_deconvolution_does_not_look_at_the_image(table):
    """[samek2017, section II-B]: weights alone make the map; a network of strides has no switch."""
    part = table[table["explanation"] == "deconvolution"]
    np.testing.assert_allclose(part["correlation"], 1, rtol=1e-6)
    others = table[(table["explanation"] == "lrp") & (table["degrees"] > 0)]
    assert others["correlation"].max() < 0.95


def test_maps_are_those_of_the_turned_image_for_the_same_class(table, results):
    card = read_card(results / "classifiers/network")
    slots = list(table["image"].unique())
    assert len(slots) == 3
    for slot in slots:
        store = pda.open_attribution(layout.attribution_store(results, "lrp", slot))
        network = load_module(results / "classifiers/network", card, store.attrs["split"])
        node = pda.Node.score(store.attrs["nodes"][0]["unit"])
        first = store["relevance"].values[0]
        rows = table[(table["explanation"] == "lrp") & (table["image"] == slot)]
        assert list(rows["degrees"]) == [0, 45, 90]
        for row in rows.to_dict("records"):
            image = turned(store["image"].values, row["degrees"])
            found = pda.heatmap("lrp_epsilon", network, image, node, relative=True)
            assert row["correlation"] == pytest.approx(correlation(found, first), abs=1e-4)
            following = correlation(found, turned(first, row["degrees"]))
            assert row["following"] == pytest.approx(following, abs=1e-4)


def test_maps_of_the_first_images_are_kept(table, results):
    kept = table[table["relevance"].notna()]
    assert list(kept["image"].unique()) == ["random-1"]
    (row,) = kept[(kept["explanation"] == "lrp") & (kept["degrees"] == 0)].to_dict("records")
    store = pda.open_attribution(layout.attribution_store(results, "lrp", "random-1"))
    np.testing.assert_allclose(
        np.reshape(row["relevance"], (8, 8)), store["relevance"].values[0], rtol=1e-4, atol=1e-5
    )
    pixels = np.reshape(row["pixels"], table.attrs["shape"])
    np.testing.assert_array_equal(pixels, store["image"].values)


def test_the_unturned_image_is_no_part_of_the_means(table):
    summary = summarise_specificity(table).set_index(["explanation", "image"])
    part = table[(table["explanation"] == "chance") & (table["image"] == "random-2")]
    expected = part[part["degrees"] > 0]["correlation"].mean()
    assert summary.loc[("chance", "random-2"), "correlation"] == pytest.approx(expected)
    assert abs(expected) < 0.5


def test_maps_of_another_classifier_are_refused(results):
    raw = copy.deepcopy(RAW)
    for explanation in raw["explanations"].values():
        explanation["classifier"] = "another"
    with pytest.raises(StoreError, match="does not explain 'another' as it is now"):
        measured(parse_config(raw), "turned", results)
