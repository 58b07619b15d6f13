"""Methods beside each other: numbers are those of the tables, relative to the baseline."""

import numpy as np
import pandas
import pytest

from prediction_difference.errors import StoreError
from prediction_difference.figures.compared_methods import (
    Compared,
    compare,
    compared_areas,
    compared_curves,
)
from prediction_difference.figures.complexity import complexity
from prediction_difference.figures.drawing import rounded
from prediction_difference.intervals import interval_of_mean

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
        "weights_from": "here",
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
        assert numbers["cost"][f"{region} px"]["gradient"] == {"forwards": 1, "seconds": 0.25}


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


def of_two_networks(generator: np.random.Generator) -> list[Compared]:
    """The second has other names, fewer images and other settings; labels merge the two."""
    first, second = table_of(generator, 1), table_of(generator, 1)
    second = second[second["image"] != "d"].replace({"explanation": {"gradient": "gradient-2"}})
    second.attrs = first.attrs | {
        "classifier": "other",
        "settings": first.attrs["settings"]
        | {"order": "lerf", "perturbation": "blur", "output": "probability", "repeats": 4},
        "cost": {
            "evidence": {"forwards": 0, "seconds": 0.0},
            "gradient-2": {"forwards": 70, "seconds": 90.0},
            "order": {"forwards": 2, "seconds": 0.5},
        },
    }
    second = second.assign(probability=second["score"])
    labels = {"evidence": "PDA", "gradient": "slope", "gradient-2": "slope"}
    return [compare("left", first, labels, None), compare("right", second, labels, None)]


def test_panels_that_differ_are_told_apart(generator: np.random.Generator) -> None:
    drawing = compared_curves(of_two_networks(generator), 3)
    for expected in (
        "4 held-out images for classifier net (left) and 3 held-out images for classifier other "
        "(right).",
        "left: f(x)",
        "ranks first are replaced by uniform noise; the most relevant first (MoRF); f is the class "
        "score.",
        "right: f(x)",
        "ranks last are replaced by the blurred image; the least relevant first (LeRF); f is the "
        "class probability.",
        "left: Regions are 1 ",
        "2 draws of",
        "right: Regions are 1 ",
        "4 draws of",
        "relative to order, image",
    ):
        assert expected in drawing.caption
    first, second = (axes.get_ylabel() for axes in drawing.figure.axes)
    assert "class score" in first
    assert "class probability" in second


def test_what_panels_have_in_common_is_told_once(tables: dict[int, pandas.DataFrame]) -> None:
    panels = [compare(title, tables[1], {}, None) for title in ("left", "right")]
    caption = compared_areas(panels).caption
    assert caption.count("Regions are 1 ") == caption.count("f is the class score") == 1
    assert "left" not in caption
    assert "of 4 held-out images for classifier net." in caption


def test_costs_of_two_networks_stand_beside_each_other(generator: np.random.Generator) -> None:
    drawing = compared_areas(of_two_networks(generator))
    assert drawing.numbers["cost"] == {
        "left": {
            "PDA": {"forwards": 0, "seconds": 0},
            "slope": {"forwards": 1, "seconds": 0.25},
        },
        "right": {
            "PDA": {"forwards": 0, "seconds": 0},
            "slope": {"forwards": 70, "seconds": 90},
        },
    }
    texts = [text.get_text() for text in drawing.figure.texts]
    assert texts.count("forwards") == texts.count("left") == texts.count("right") == 2
    assert {"1.0", "0.25", "70", "90"} <= set(texts)
    assert "on the machine that made it, by panel." in drawing.caption


def test_what_was_not_measured_is_named(tables: dict[int, pandas.DataFrame]) -> None:
    with pytest.raises(StoreError, match="regions-1: has no lrp; it has"):
        compare("t", tables[1], {}, "lrp")
    lacking = tables[1][tables[1]["method"] != "random"]
    lacking.attrs = tables[1].attrs
    with pytest.raises(StoreError, match="no explanation by a baseline such as random order"):
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
