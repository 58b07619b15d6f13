"""Tables of evaluations: tidy, and summed up as the definition says."""

import numpy as np
import pandas
import pytest

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.perturbed_table import summarise
from prediction_difference.evaluation.table import read_table, write_table


def table_of(values):
    """values[explanation][image]: (repeats, steps + 1) curves."""
    rows = [
        {
            "explanation": e,
            "method": e,
            "image": i,
            "repeat": r,
            "step": k,
            "score": value,
            "probability": value,
        }
        for e, images in values.items()
        for i, curves in images.items()
        for r, curve in enumerate(curves)
        for k, value in enumerate(curve)
    ]
    return pandas.DataFrame(rows)


@pytest.fixture
def values(generator):
    return {e: {i: generator.normal(size=(3, 5)) for i in "abcd"} for e in ("good", "random")}


def aopc_by_hand(curves):
    drops = [[curve[0] - value for value in curve] for curve in curves]
    return np.mean([sum(drop) / len(drop) for drop in drops])


def test_summary_is_the_mean_over_images_of_equation_12(values):
    shuffled = table_of(values).sample(frac=1, random_state=0)
    summary = summarise(shuffled).set_index("explanation")
    for explanation, images in values.items():
        per_image = [aopc_by_hand(curves) for curves in images.values()]
        row = summary.loc[explanation]
        assert row["aopc"] == pytest.approx(np.mean(per_image))
        assert row["standard_error"] == pytest.approx(np.std(per_image, ddof=1) / 2)
        assert row["images"] == 4
    above = summary.loc["good", "aopc"] - summary.loc["random", "aopc"]
    assert summary.loc["good", "aopc_above_random"] == pytest.approx(above)
    assert summary.loc["random", "aopc_above_random"] == 0
    assert summary.loc["random", "above_random_low"] == 0


def test_outputs_have_aopc_of_their_own(values):
    table = table_of(values)
    table["probability"] *= 3
    three = 3 * summarise(table)["aopc"].to_numpy()
    np.testing.assert_allclose(summarise(table, "probability")["aopc"], three)


def test_intervals_hold_the_mean_and_are_those_of_the_images(values):
    summary = summarise(table_of(values)).set_index("explanation")
    for explanation, images in values.items():
        per_image = np.array([aopc_by_hand(curves) for curves in images.values()])
        row = summary.loc[explanation]
        assert row["low"] < row["aopc"] < row["high"]
        rounding = 1e-9
        assert per_image.min() - rounding <= row["low"]
        assert row["high"] <= per_image.max() + rounding


def test_best_method_comes_first(values):
    order = list(summarise(table_of(values))["aopc"])
    assert order == sorted(order, reverse=True)


def test_without_a_random_order_nothing_is_compared_with_it(values):
    assert "aopc_above_random" not in summarise(table_of({"good": values["good"]}))


def test_tables_come_back_with_their_settings(values, tmp_path):
    table = table_of(values)
    table.attrs = {"evaluation": "e", "settings": {"region": 2}}
    write_table(table, tmp_path / "t.parquet")
    again = read_table(tmp_path / "t.parquet")
    pandas.testing.assert_frame_equal(again, table)
    assert again.attrs == table.attrs
    with pytest.raises(StoreError, match=r"none\.parquet: cannot be read"):
        read_table(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"no")
    with pytest.raises(StoreError, match=r"broken\.parquet: cannot be read"):
        read_table(tmp_path / "broken.parquet")
