"""Dots and bars are those of the table."""

from typing import Any

import numpy as np
import pandas
import pytest

from prediction_difference.attribution.methods.deep_taylor import DeepTaylor
from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.evaluation.consistency import edges
from prediction_difference.figures.consistency import consistency
from prediction_difference.figures.drawing import rounded

SCORES, TOTALS = [80.0, 100.0, 120.0], {"kept": [80.0, 100.0, 120.0], "slope": [1.0, -2.0, 0.5]}


@pytest.fixture
def table(generator: Any) -> Any:
    rows = [
        {
            "explanation": name,
            "method": "deep_taylor" if name == "kept" else "sensitivity",
            "image": f"correct-{n}",
            "image_name": f"test-{n}",
            "score": SCORES[n],
            "total": totals[n],
            "conservation": abs(totals[n] - SCORES[n]) / SCORES[n],
            "negative": 0.0,
            "outside": 0.25,
            "difference": np.nan,
            "seconds": 0.1,
            "histogram": generator.integers(0, 50, len(edges(1)) - 1).tolist(),
        }
        for name, totals in TOTALS.items()
        for n in range(3)
    ]
    found = pandas.DataFrame(rows)
    chosen: dict[str, Any] = {"classifier": "c", "images": ("a",)}
    kept = DeepTaylor(method="deep_taylor", **chosen)
    slope = Sensitivity(method="sensitivity", norm="squared", **chosen)
    found.attrs = {
        "evaluation": "consistency",
        "classifier": "net",
        "weights_from": "here",
        "dataset": "pairs",
        "seed": 3,
        "settings": {"compared": list(TOTALS)},
        "largest": {"kept": 2.0, "slope": 0.5},
        "units": {"kept": "activation", "slope": "(activation per unit of input)²"},
        "explanations": {"kept": kept.model_dump(), "slope": slope.model_dump()},
    }
    return found


def test_dots_are_sums_by_scores(table: Any) -> None:
    drawing = consistency(table, {})
    for axes, totals in zip(drawing.figure.axes[::2], TOTALS.values(), strict=True):
        (dots,) = axes.collections
        np.testing.assert_allclose(np.asarray(dots.get_offsets()), np.stack([SCORES, totals], 1))
        low, high = axes.get_ylim()
        assert low <= min(totals)
        assert high >= max(totals)


def test_bars_are_pixels_of_all_images(table: Any) -> None:
    drawing = consistency(table, {"kept": "deep Taylor"})
    for axes, (name, part) in zip(
        drawing.figure.axes[1::2], table.groupby("explanation", sort=False), strict=True
    ):
        counts = np.sum([*part["histogram"]], axis=0)
        heights = [bar.get_height() for bar in axes.patches]
        np.testing.assert_allclose(heights, counts)
        assert axes.get_yscale() == "log"
        assert [label.get_text() for label in axes.get_yticklabels()][:3] == ["1", "10", "100"]
        reds = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
        colours = [bar.get_facecolor() for bar in axes.patches]
        # The bin around zero counts as positive.
        first = next(n for n, middle in enumerate(reds) if middle > -1e-9)
        assert len(set(colours[:first])) == len(set(colours[first:])) == 1
        assert colours[0] != colours[-1]
        found = next(m for m in drawing.numbers["methods"] if m["explanation"] == name)
        assert found["counts"] == counts.tolist()
        assert found["scores"] == rounded(SCORES)
    assert any(text.get_text() == "deep Taylor" for text in drawing.figure.texts)


def test_the_caption_tells_every_parameter(table: Any) -> None:
    caption = consistency(table, {}).caption
    for words in ("3 held-out images", "zB on pixels, z+ above", "squared Euclidean", "seed 3"):
        assert words in caption
