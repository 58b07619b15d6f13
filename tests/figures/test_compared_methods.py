"""Methods beside each other: numbers are those of the tables, relative to the baseline."""

import numpy as np
import pandas
import pytest

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.intervals import interval_of_mean
from prediction_difference.figures.compared_methods import (
    compare,
    compared_areas,
    compared_curves,
)
from prediction_difference.figures.complexity import complexity
from prediction_difference.figures.drawing import rounded

METHODS = {"evidence": "prediction-difference", "gradient": "sensitivity", "order": "random"}
IMAGES = "abcd"


def table_of(generator: np.random.Generator, region: int) -> pandas.DataFrame:
    """Two repeats, three steps of every image and explanation."""
    rows = [
        {
            "explanation": explanation,
            "method": method,
            "image": image,
            "repeat": repeat,
            "step": step,
            "score": 0.0 if step == 0 else float(generator.normal()),
        }
        for explanation, method in METHODS.items()
        for image in IMAGES
        for repeat in range(2)
        for step in range(4)
    ]
    table = pandas.DataFrame(rows)
    settings = {"region": region, "steps": 3, "repeats": 2, "order": "morf", "output": "score"}
    table.attrs = {
        "evaluation": f"regions-{region}",
        "classifier": "net",
        "seed": 5,
        "settings": settings | {"perturbation": "uniform", "precision": "float32"},
        "cost": {name: {"forwards": n, "seconds": n / 4} for n, name in enumerate(METHODS)},
    }
    return table


@pytest.fixture
def tables(generator: np.random.Generator) -> dict[int, pandas.DataFrame]:
    return {region: table_of(generator, region) for region in (1, 3)}


def area_by_hand(table: pandas.DataFrame, explanation: str, image: str) -> float:
    rows = table[(table["explanation"] == explanation) & (table["image"] == image)]
    return float(-rows["score"].mean())


def test_areas_are_differences_from_the_baseline(tables: dict[int, pandas.DataFrame]) -> None:
    panels = [compare(f"{region} px", table, {}, None) for region, table in tables.items()]
    numbers = compared_areas(panels).numbers
    for region, table in tables.items():
        found = {one["explanation"]: one for one in numbers["above_baseline"][f"{region} px"]}
        assert found.keys() == {"evidence", "gradient"}
        for name, one in found.items():
            above = np.array(
                [area_by_hand(table, name, i) - area_by_hand(table, "order", i) for i in IMAGES]
            )
            assert one["aopc"] == pytest.approx(above.mean(), rel=1e-5)
            assert one["interval"] == pytest.approx(rounded(interval_of_mean(above)))
    assert numbers["cost"]["gradient"] == {"forwards": 1, "seconds": 0.25}


def test_every_explanation_can_be_the_baseline(tables: dict[int, pandas.DataFrame]) -> None:
    panel = compare("t", tables[1], {"evidence": "PDA", "gradient": "slope"}, "slope")
    (one,) = panel.above
    assert one.explanation == "PDA"
    expected = [
        area_by_hand(tables[1], "evidence", i) - area_by_hand(tables[1], "gradient", i)
        for i in IMAGES
    ]
    np.testing.assert_allclose(one.areas, expected)
    assert "relative to slope" in compared_curves([panel], 3).caption


def test_curves_have_a_panel_each_and_one_legend(tables: dict[int, pandas.DataFrame]) -> None:
    panels = [compare(f"{region} px", table, {}, None) for region, table in tables.items()]
    drawing = compared_curves(panels, across=1)
    assert len(drawing.figure.axes) == 2
    (legend,) = drawing.figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {"evidence", "gradient"}
    for expected in ("1 px: Regions are 1", "3 px: Regions are 3", "4 held-out images", "Seed 5"):
        assert expected in drawing.caption
    mean = drawing.numbers["above_baseline"]["3 px"][0]["mean"]
    assert mean[0] == 0
    assert len(mean) == 4


def test_what_was_not_measured_is_named(tables: dict[int, pandas.DataFrame]) -> None:
    with pytest.raises(StoreError, match="regions-1: has no lrp; it has"):
        compare("t", tables[1], {}, "lrp")
    lacking = tables[1][tables[1]["method"] != "random"]
    lacking.attrs = tables[1].attrs
    with pytest.raises(StoreError, match="no explanation by the method random"):
        compare("t", lacking, {}, None)


def test_complexity_shows_the_sizes_of_the_table(generator: np.random.Generator) -> None:
    rows = [
        {
            "explanation": name,
            "image": image,
            "png_bytes": int(generator.integers(1000, 5000)),
            "jpeg_bytes": int(generator.integers(1000, 5000)),
            "entropy": float(generator.uniform(1, 8)),
        }
        for name in METHODS
        for image in IMAGES
    ]
    table = pandas.DataFrame(rows)
    table.attrs = {"evaluation": "sizes", "classifier": "net", "seed": 1}
    drawing = complexity(table, "evidence", ())
    by_name = table[table["explanation"] == "gradient"]
    assert drawing.numbers["gradient"]["png_bytes"] == list(by_name["png_bytes"])
    scatter = drawing.figure.axes[0].collections[0].get_offsets()
    own = table[table["explanation"] == "evidence"]["png_bytes"]
    np.testing.assert_allclose(scatter, np.stack([by_name["png_bytes"], own], axis=1) / 1000)
    larger = np.mean(by_name["png_bytes"].to_numpy() > own.to_numpy())
    legend = drawing.figure.axes[0].get_legend()
    assert legend is not None
    assert f"gradient: {larger:.0%} larger" in [t.get_text() for t in legend.get_texts()]
    with pytest.raises(StoreError, match="evaluation sizes: did not measure lrp"):
        complexity(table, "lrp", ())
