"""Curves and their areas are those of the definition."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg

from prediction_difference.errors import StoreError
from prediction_difference.figures import style
from prediction_difference.figures.drawing import Drawing, rounded
from prediction_difference.figures.losses import losses
from prediction_difference.figures.perturbation_curves import perturbation_curves
from prediction_difference.intervals import interval_of_mean

Values = dict[str, dict[str, np.ndarray]]
METHODS = {"evidence": "prediction-difference", "gradient": "sensitivity", "order": "random"}
MEASURED: dict[str, Any] = {
    "evaluation": "perturbation",
    "classifier": "net",
    "weights_from": "here",
    "seed": 3,
    "settings": {
        "region": 2,
        "steps": 4,
        "repeats": 3,
        "order": "morf",
        "output": "score",
        "perturbation": "uniform",
        "precision": "float32",
    },
}


def table_of(values: Mapping[str, Mapping[str, np.ndarray]]) -> pandas.DataFrame:
    """values[explanation][image]: (repeats, steps + 1); rows in no order."""
    rows = [
        {
            "explanation": explanation,
            "method": METHODS[explanation],
            "image": image,
            "repeat": repeat,
            "step": step,
            "score": value,
        }
        for explanation, images in values.items()
        for image, curves in images.items()
        for repeat, curve in enumerate(curves)
        for step, value in enumerate(curve)
    ]
    return pandas.DataFrame(rows).sample(frac=1, random_state=0)


def draw(values: Mapping[str, Mapping[str, np.ndarray]]) -> Drawing:
    return perturbation_curves(losses(table_of(values), "score"), MEASURED)


@pytest.fixture
def values(generator: np.random.Generator) -> Values:
    """Five images, three repeats, four steps; f of the untouched image is that of all methods."""
    start = {image: generator.normal() for image in "abcde"}
    curves: Values = {name: {} for name in METHODS}
    for images in curves.values():
        for image, first in start.items():
            images[image] = np.column_stack(
                [np.full(3, first), first - generator.exponential(size=(3, 4))]
            )
    return curves


def area_by_hand(curves: np.ndarray) -> float:
    """Equation 12 of Samek et al. for one image, with loops."""
    areas = []
    for curve in curves.tolist():
        areas.append(sum(curve[0] - value for value in curve) / len(curve))
    return float(sum(areas) / len(areas))


def entries(axes: Axes) -> dict[str, tuple[float, float, float]]:
    """AOPC and the ends of its interval by explanation, read from a legend."""
    legend = axes.get_legend()
    assert legend is not None
    found = {}
    for text in legend.get_texts():
        words = text.get_text().replace(style.MINUS, "-")
        match = re.fullmatch(r"(\w+): (-?[\d.]+) \((-?[\d.]+) to (-?[\d.]+)\)", words)
        assert match, words
        found[match[1]] = (float(match[2]), float(match[3]), float(match[4]))
    return found


def test_the_legend_holds_the_area_over_the_curve(values: Values) -> None:
    first, _ = draw(values).figure.axes
    legend = entries(first)
    assert legend.keys() == METHODS.keys()
    for explanation, images in values.items():
        areas = np.array([area_by_hand(curves) for curves in images.values()])
        expected = (areas.mean(), *interval_of_mean(areas))
        assert legend[explanation] == pytest.approx(expected, abs=5e-3)


def test_lines_are_means_over_images_and_repeats(values: Values) -> None:
    drawing = draw(values)
    lines = {line.get_label(): line.get_ydata() for line in drawing.figure.axes[0].get_lines()}
    for entry in drawing.numbers["curves"]:
        images = np.stack([values[entry["explanation"]][image] for image in "abcde"])
        lost = images[:, :, :1] - images
        assert entry["mean"] == rounded(lost.mean(axis=(0, 1)))
        low, high = interval_of_mean(lost.mean(axis=1))
        assert (entry["low"], entry["high"]) == (rounded(low), rounded(high))
        label = next(label for label in lines if str(label).startswith(entry["explanation"]))
        assert rounded(lines[label]) == entry["mean"]


def test_the_second_panel_is_above_random_image_by_image(values: Values) -> None:
    drawing = draw(values)
    legend = entries(drawing.figure.axes[1])
    assert legend.keys() == {"evidence", "gradient"}
    for explanation, (area, *interval) in legend.items():
        above = np.array(
            [
                area_by_hand(values[explanation][image]) - area_by_hand(values["order"][image])
                for image in "abcde"
            ]
        )
        assert interval == pytest.approx(interval_of_mean(above), abs=5e-3)
        numbers = {e["explanation"]: e for e in drawing.numbers["curves_above_random"]}
        assert numbers[explanation]["aopc"] == rounded(np.mean(above))
        assert area == pytest.approx(np.mean(above), abs=5e-3)


@pytest.mark.parametrize("shown", [("evidence", "gradient"), ("order",)])
def test_without_anything_to_compare_with_random_there_is_one_panel(
    shown: tuple[str, ...], values: Values
) -> None:
    drawing = draw({name: values[name] for name in shown})
    assert len(drawing.figure.axes) == 1
    assert "curves_above_random" not in drawing.numbers


def test_a_single_image_has_no_interval(values: Values) -> None:
    drawing = draw({name: {"a": images["a"]} for name, images in values.items()})
    curve = drawing.numbers["curves"][0]
    assert curve["aopc_interval"] == [None, None]
    assert curve["low"] == [None] * 5
    assert " to " not in drawing.figure.axes[0].get_legend().get_texts()[0].get_text()  # type: ignore[union-attr]
    assert "unknown for a single image" in drawing.caption


def test_random_order_on_other_images_is_refused(values: Values) -> None:
    del values["order"]["c"]
    with pytest.raises(StoreError, match="explanation order: was not measured on c"):
        draw(values)


def test_the_caption_tells_how_it_was_measured(values: Values) -> None:
    caption = draw(values).caption
    for expected in (
        "5 held-out images",
        "2 × 2 pixels",  # noqa: RUF001
        "L = 4 steps",
        "3 draws of what replaces them",
        "the most relevant first (MoRF)",
        "f is the class score",
        "minus order",
        "Seed 3.",
    ):
        assert expected in caption
    assert "bfloat16" not in caption


def test_the_caption_tells_which_regions_go_first(values: Values) -> None:
    assert "that a heatmap ranks first are replaced by uniform noise" in draw(values).caption
    settings = MEASURED["settings"] | {"order": "lerf", "perturbation": "mean"}
    measured = MEASURED | {"settings": settings}
    caption = perturbation_curves(losses(table_of(values), "score"), measured).caption
    assert "that a heatmap ranks last are replaced by the mean of each channel" in caption
    assert "ranks first" not in caption


def test_the_caption_tells_of_low_precision(values: Values) -> None:
    settings = {**MEASURED["settings"], "precision": "bfloat16"}
    drawing = perturbation_curves(
        losses(table_of(values), "score"), {**MEASURED, "settings": settings}
    )
    assert "the classifier ran in bfloat16" in drawing.caption


def test_the_best_explanation_comes_first(values: Values) -> None:
    areas: list[Any] = [one.area for one in losses(table_of(values), "score")]
    assert areas == sorted(areas, reverse=True)


def test_no_legend_is_cut_off(values: Values) -> None:
    names = dict(zip(METHODS, ("integrated-gradients-of-the-second", "b", "order"), strict=True))
    table = table_of(values).replace({"explanation": names})
    table["score"] *= -1e-5
    drawing = perturbation_curves(losses(table, "score"), MEASURED)
    renderer = RendererAgg(1, 1, drawing.figure.dpi)
    for axes in drawing.figure.axes:
        legend = axes.get_legend()
        assert legend is not None
        box = legend.get_window_extent(renderer)
        assert box.x1 <= drawing.figure.bbox.x1
        assert box.y0 >= 0
