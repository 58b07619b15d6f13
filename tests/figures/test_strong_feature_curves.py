"""Accuracy with and without strong features: what is drawn is what the table says."""

from typing import Any

import numpy as np
import pandas
import pytest

from prediction_difference.attribution.methods.deconvolution import Deconvolution
from prediction_difference.figures.strong_features import strong_features

THRESHOLDS = (0.0, 0.5)


@pytest.fixture
def table(generator: Any) -> Any:
    """Ten images; every one is right as it is."""
    rows = [
        {
            "explanation": "responses",
            "method": "deconvolution",
            "image": f"random-{image}",
            "image_name": f"test-{image}",
            "label": "cat",
            "threshold": threshold,
            "part": part,
            "correct": part == "full" or bool(generator.random() < 0.5),
            "share": 0.3,
        }
        for image in range(10)
        for part, threshold in [
            ("full", 0.0),
            *((part, some) for part in ("only", "without") for some in THRESHOLDS),
        ]
    ]
    found = pandas.DataFrame(rows)
    settings = Deconvolution(method="deconvolution", classifier="net", images=("a",))
    found.attrs = {
        "evaluation": "table-1",
        "settings": {"fill": 0.5, "published": {"full": 0.99, "only": 0.8, "without": 0.4}},
        "explanations": {"responses": settings.model_dump(mode="json")},
        "classifier": "net",
        "weights_from": "here",
        "accuracy": 0.9312,
        "dataset": "digits",
        "seed": 0,
    }
    return found


def test_curves_are_shares_of_the_images(table: Any) -> None:
    drawing = strong_features(table)
    for axes, part in zip(drawing.figure.axes, ("only", "without"), strict=True):
        curve, full, paper = axes.get_lines()
        rows = table[table["part"] == part]
        shares = [rows[rows["threshold"] == t]["correct"].mean() for t in THRESHOLDS]
        np.testing.assert_allclose(curve.get_xydata(), list(zip(THRESHOLDS, shares, strict=True)))
        assert set(full.get_ydata()) == {1.0}
        assert set(paper.get_ydata()) == {{"only": 0.8, "without": 0.4}[part]}
    assert len(drawing.numbers["rows"]) == 1 + 2 * len(THRESHOLDS)


def test_the_caption_says_what_was_taken_away_and_what_the_paper_found(table: Any) -> None:
    caption = strong_features(table).caption
    assert "10 held-out images of dataset digits" in caption
    assert "set to 0.5" in caption
    assert "93.12% are right" in caption
    assert "of full images 99.00%" in caption
    table.attrs["settings"]["published"] = None
    assert "paper" not in strong_features(table).caption
