"""Sums over regions against loops, and totals that are known."""

from pathlib import Path

import numpy as np
import pytest
import xarray

from prediction_difference.evaluation import aggregation
from prediction_difference.evaluation.aggregation import (
    measure_aggregation,
    region_sums,
    shares,
    totals,
    variation,
)
from prediction_difference.evaluation.measures.aggregation import Aggregation
from prediction_difference.evaluation.table import read_table, write_table


@pytest.mark.parametrize(("shape", "regions"), [((6, 6), 3), ((7, 8), 3), ((5, 4), 1), ((4, 4), 4)])
def test_every_pixel_is_in_one_region(generator, shape, regions):
    relevance = generator.normal(size=shape)
    sums = region_sums(relevance, regions)
    assert sums.shape == (regions, regions)
    assert sums.sum() == pytest.approx(relevance.sum())
    for y, x in np.ndindex(shape):
        spot = np.zeros(shape)
        spot[y, x] = 1.0
        found = region_sums(spot, regions)
        assert sorted(found.ravel()) == [0] * (regions**2 - 1) + [1]


def test_regions_are_read_from_the_upper_left():
    relevance = np.arange(36.0).reshape(6, 6)
    expected = [
        [relevance[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].sum() for c in range(3)] for r in range(3)
    ]
    np.testing.assert_allclose(region_sums(relevance, 3), expected)


@pytest.fixture
def table(generator, monkeypatch, tmp_path):
    """Three images by two methods: one conserves the score, one gives every image the same map."""
    maps = generator.normal(size=(3, 6, 6)).astype(np.float32)
    scores = maps.sum((1, 2))
    stores = {}
    for name, relevance in (("kept", maps), ("same", np.abs(maps[:1]).repeat(3, 0))):
        for n in range(3):
            node = {"class": "cat", "score": float(scores[n])}
            attributes = {"method": f"method {name}", "signed": name == "kept", "slot": f"s-{n}"}
            attributes |= {"image_name": f"image {n}", "nodes": [node], "settings": {"a": 1}}
            attributes |= {"classifier": "net", "dataset": "animals"}
            stores[Path(name, str(n))] = xarray.Dataset(
                {"relevance": (("node", "y", "x"), relevance[n : n + 1])}, attrs=attributes
            )
    monkeypatch.setattr(aggregation, "open_attribution", stores.__getitem__)
    settings = Aggregation(measure="aggregation", explanations=("kept", "same"))
    paths = {name: [Path(name, str(n)) for n in range(3)] for name in ("kept", "same")}
    write_table(measure_aggregation(settings, "sums", paths, 0), tmp_path / "t.parquet")
    return read_table(tmp_path / "t.parquet"), maps


def test_what_conserves_the_score_has_totals_of_one(table):
    (found, maps), parts = table, dict(list(table[0].groupby("explanation")))
    np.testing.assert_allclose(totals(parts["kept"]), 1, rtol=1e-5)
    assert variation(totals(parts["kept"])) == pytest.approx(0, abs=1e-5)
    same = np.abs(maps[0]).sum() / maps.sum((1, 2))
    np.testing.assert_allclose(totals(parts["same"]), same, rtol=1e-5)
    assert variation(same) == pytest.approx(np.std(same, ddof=1) / abs(np.mean(same)))
    assert set(found["row"]) == {0, 1, 2}


def test_shares_are_those_of_all_images_together(table):
    found, maps = table
    expected = region_sums(maps.sum(0), 3) / maps.sum()
    np.testing.assert_allclose(
        shares(found[found["explanation"] == "kept"]), expected, rtol=1e-4, atol=1e-6
    )


def test_what_has_no_relevance_has_no_shares(table):
    found = table[0].assign(relevance=0.0)
    np.testing.assert_array_equal(shares(found[found["explanation"] == "kept"]), np.zeros((3, 3)))


def test_a_single_image_has_no_variation():
    assert np.isnan(variation(np.array([1.5])))
