"""Conservation, sign, place and difference of maps that are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from prediction_difference.errors import StoreError
from prediction_difference.evaluation import consistency
from prediction_difference.evaluation.consistency import (
    conservation_error,
    difference,
    edges,
    measure_consistency,
    negative_share,
    outside_share,
    summarise_consistency,
)
from prediction_difference.evaluation.measures.consistency import Consistency
from prediction_difference.evaluation.table import read_table, write_table


def test_shares_are_those_of_a_small_map() -> None:
    relevance = np.array([[1.0, -2.0], [0.0, 5.0]])
    assert negative_share(relevance) == pytest.approx(2 / 8)
    assert negative_share(np.zeros((2, 2))) == 0
    assert outside_share(relevance, [0, 1, 2, 2]) == pytest.approx(1 / 8)
    assert outside_share(relevance, [0, 0, 2, 2]) == pytest.approx(0)
    assert np.isnan(outside_share(relevance, None))


def test_maps_differ_from_nothing_to_everything(generator: Any) -> None:
    one = generator.random((4, 4))
    assert difference(one, one) == 0
    assert difference(one, -one) == pytest.approx(1)
    apart = np.zeros((2, 3, 3))
    apart[0, 0], apart[1, 1] = 1, 1
    assert difference(*apart) == 1
    assert difference(2 * one, one) == pytest.approx(1 / 3)
    assert difference(one * 0, one * 0) == 0


def test_no_bin_has_both_signs() -> None:
    sides = edges(3.0)
    assert (sides[0], sides[-1]) == (-3, 3)
    assert sides[len(sides) // 2] == 0


def test_errors_of_sums_are_shares_of_the_score() -> None:
    assert conservation_error(3.0, 4.0) == 0.25
    assert conservation_error(0.0, 0.0) == 0
    assert np.isnan(conservation_error(1.0, 0.0))


MAPS = {
    "kept": np.array([[[1.0, 2.0], [0.0, 1.0]], [[2.0, 2.0], [1.0, 3.0]]]),
    "kept-again": np.array([[[1.0, 2.0], [0.0, 1.0]], [[2.0, 2.0], [1.0, 3.0]]]),
    "lost": np.array([[[1.0, -1.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]]]),
    "lost-elsewhere": np.array([[[-1.0, 1.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]]]),
}
SCORES = (4.0, 8.0)


def settings(**again: tuple[str, ...]) -> Consistency:
    return Consistency(measure="consistency", compared=("kept", "lost"), again=again)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Path]]:
    opened = {}
    for name, maps in MAPS.items():
        for n, relevance in enumerate(maps):
            attributes = {
                "method": "deep_taylor",
                "explanation": name,
                "slot": f"correct-{n}",
                "image_name": f"image {n}",
                "nodes": [{"class": "present", "score": SCORES[n]}],
                "settings": {"a": 1},
                "box": [0, 0, 2, 1] if n == 0 else None,
                "classifier": "net",
                "dataset": "pairs",
                "seconds": 0.5,
                "forwards": 3,
            }
            opened[Path(name, str(n))] = xarray.Dataset(
                {"relevance": (("node", "y", "x"), relevance[None].astype(np.float32))},
                coords={"unit": ("node", ["activation"])},
                attrs=attributes,
            )
    monkeypatch.setattr(consistency, "open_attribution", opened.__getitem__)
    return {name: [Path(name, str(n)) for n in range(2)] for name in MAPS}


def test_every_image_has_its_numbers(stores: dict[str, list[Path]], tmp_path: Path) -> None:
    again = {"kept": ("kept-again",), "lost": ("lost-elsewhere",)}
    write_table(measure_consistency(settings(**again), "c", stores, 0), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert list(table["explanation"]) == ["kept", "kept", "lost", "lost"]
    np.testing.assert_allclose(table["total"], [4, 8, 0, 2])
    np.testing.assert_allclose(table["conservation"], [0, 0, 1, 0.75])
    np.testing.assert_allclose(table["negative"], [0, 0, 0.5, 0])
    np.testing.assert_allclose(table["outside"], [0.75, np.nan, 0.5, np.nan])
    np.testing.assert_allclose(table["difference"], [0, 0, 1, 0])
    for name in ("kept", "lost"):
        counts = np.sum([*table[table["explanation"] == name]["histogram"]], axis=0)
        expected, _ = np.histogram(MAPS[name], edges(np.abs(MAPS[name]).max()))
        np.testing.assert_array_equal(counts, expected)
        assert counts.sum() == 8
    summary = summarise_consistency(table).set_index("explanation")
    assert summary.loc["lost", "conservation"] == pytest.approx(0.875)
    assert summary.loc["kept", "images"] == 2


def test_what_is_not_compared_again_is_not_known(stores: dict[str, list[Path]]) -> None:
    table = measure_consistency(settings(), "c", stores, 0)
    assert table["difference"].isna().all()


def test_a_missing_second_map_is_named(stores: dict[str, list[Path]]) -> None:
    stores["kept-again"] = stores["kept-again"][:1]
    with pytest.raises(StoreError, match="has no second map of image 1"):
        measure_consistency(settings(kept=("kept-again",)), "c", stores, 0)


def test_what_is_repeated_must_be_compared() -> None:
    with pytest.raises(ValueError, match="'other' is repeated, but not among compared"):
        settings(other=("kept",))
