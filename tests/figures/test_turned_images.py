"""Maps and correlations are those of the table, with and without maps that are kept."""

from typing import Any

import numpy as np
import pandas
import pytest

from prediction_difference.attribution.methods.lrp_epsilon import EpsilonRelevance
from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.figures import turned_images as module
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.turned_images import turned_images

DEGREES = (0.0, 30.0, 90.0)
SHAPE = [1, 6, 4]


def table_of(generator: np.random.Generator, kept: int) -> Any:
    rows = []
    for name, is_signed in (("signed", True), ("plain", False)):
        for number in range(3):
            for angle in DEGREES:
                is_kept = number < kept
                rows.append(
                    {
                        "explanation": name,
                        "method": "lrp_epsilon" if is_signed else "sensitivity",
                        "signed": is_signed,
                        "image": f"correct-{number}",
                        "image_name": f"test-{number}",
                        "class": "7",
                        "degrees": angle,
                        "score": generator.normal(),
                        "correlation": generator.uniform(-1, 1),
                        "following": generator.uniform(-1, 1),
                        "pixels": generator.uniform(size=24) if is_kept else None,
                        "relevance": generator.normal(size=24) if is_kept else None,
                    }
                )
    table = pandas.DataFrame(rows)
    chosen: dict[str, Any] = {"classifier": "c", "images": ("a",)}
    signed = EpsilonRelevance(method="lrp_epsilon", **chosen)
    plain = Sensitivity(method="sensitivity", **chosen)
    explanations = {"signed": signed.model_dump(), "plain": plain.model_dump()}
    table.attrs = {"evaluation": "turns", "classifier": "net", "dataset": "digits", "seed": 3}
    table.attrs |= {"shape": SHAPE, "explanations": explanations}
    return table


def test_curves_are_means_over_images(generator: np.random.Generator) -> None:
    table = table_of(generator, 1)
    drawing = turned_images(table)
    left, right = drawing.figure.axes[-2:]
    for axes, measure in ((left, "correlation"), (right, "following")):
        lines = {str(line.get_label()): line for line in axes.get_lines()}
        for entry in drawing.numbers["correlations"]:
            part = table[table["explanation"] == entry["explanation"]]
            values = part[measure].to_numpy().reshape(3, len(DEGREES))
            np.testing.assert_allclose(
                lines[entry["explanation"]].get_ydata(), values.mean(0), rtol=1e-6
            )
            assert entry[measure] == rounded(values.mean(0))
            assert entry[f"{measure}_deviation"] == rounded(values.std(0, ddof=1))


def test_maps_of_an_explanation_and_image_share_a_scale(generator: np.random.Generator) -> None:
    table = table_of(generator, 2)
    drawing = turned_images(table)
    shown = [axes.get_images()[0] for axes in drawing.figure.axes if axes.get_images()]
    assert len(shown) == 2 * 3 * len(DEGREES)
    of_first = shown[: 3 * len(DEGREES)]
    pictures, signed, plain = (of_first[3 * n : 3 * n + 3] for n in range(3))
    assert all(np.shape(one.get_array()) == (6, 4, 3) for one in pictures)
    rows = table[(table["image"] == "correct-0") & (table["explanation"] == "signed")]
    largest = max(np.abs(one).max() for one in rows["relevance"])
    assert {one.get_clim() for one in signed} == {(-largest, largest)}
    assert {one.get_clim()[0] for one in plain} == {0}
    for one, relevance in zip(signed, rows["relevance"], strict=True):
        np.testing.assert_array_equal(one.get_array(), relevance.reshape(6, 4))
    assert drawing.numbers["maps"][1]["relevance"] == rounded(signed[1].get_array())
    assert "2 images turned counter-clockwise" in drawing.caption
    assert "Evaluation turns, seed 3." in drawing.caption


def test_without_kept_maps_there_are_curves_only(generator: np.random.Generator) -> None:
    drawing = turned_images(table_of(generator, 0))
    assert len(drawing.figure.axes) == 2
    assert drawing.numbers["maps"] == []
    assert "Above" not in drawing.caption


def test_many_numbers_are_means_over_squares(
    generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 6 * 24 // 4)
    drawing = turned_images(table_of(generator, 1))
    assert drawing.numbers["square"] == 2
    assert np.shape(drawing.numbers["maps"][0]["relevance"]) == (3, 2)
    assert "means over squares of 2 x 2 pixels" in drawing.caption
