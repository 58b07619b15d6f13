"""Shares and totals are those of the table."""

from typing import Any

import numpy as np
import pandas
import pytest

from prediction_difference.attribution.methods.lrp_epsilon import EpsilonRelevance
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.region_shares import region_shares

SUMS = {
    "kept": np.array([[[1.0, -0.5], [2.0, 0.5]], [[0.25, 0.25], [1.0, 2.5]]]),
    "same": np.ones((2, 2, 2)),
}
SCORES = (3.0, 4.0)


@pytest.fixture
def table() -> Any:
    """Two images; the first method's totals are their scores."""
    rows = [
        {
            "explanation": name,
            "method": "lrp_epsilon" if name == "kept" else "sensitivity",
            "image": f"correct-{image}",
            "image_name": f"test-{image}",
            "row": row,
            "column": column,
            "relevance": value,
            "total": sums[image].sum(),
            "score": SCORES[image],
        }
        for name, sums in SUMS.items()
        for (image, row, column), value in np.ndenumerate(sums)
    ]
    found = pandas.DataFrame(rows)
    chosen: dict[str, Any] = {"classifier": "c", "images": ("a",)}
    kept = EpsilonRelevance(method="lrp_epsilon", **chosen)
    same = PredictionDifference(
        method="prediction-difference", sampler="marginal", window=3, **chosen
    )
    found.attrs = {
        "evaluation": "sums",
        "classifier": "net",
        "weights_from": "here",
        "dataset": "digits",
        "seed": 3,
        "settings": {"regions": 2},
        "explanations": {"kept": kept.model_dump(), "same": same.model_dump()},
    }
    return found


def test_regions_have_their_shares(table: Any) -> None:
    drawing = region_shares(table)
    first, second, dots = drawing.figure.axes
    kept = SUMS["kept"].sum(0) / 7
    np.testing.assert_allclose(first.get_images()[0].get_array(), kept)
    assert first.get_images()[0].get_clim() == (-kept.max(), kept.max())
    assert second.get_images()[0].get_clim() == (-0.25, 0.25)
    assert {"±43%", "±25%"} <= {text.get_text() for text in drawing.figure.texts}
    assert [text.get_text() for text in first.texts] == ["18%", "−4%", "43%", "43%"]  # noqa: RUF001
    assert [text.get_text() for text in second.texts] == ["25%"] * 4
    assert drawing.numbers["methods"][0]["shares"] == rounded(kept)
    of_kept, of_same = (np.asarray(one.get_offsets())[:, 0] for one in dots.collections)
    np.testing.assert_allclose(of_kept, 1)
    np.testing.assert_allclose(of_same, np.array([4 / 3, 1]) / (7 / 6))


def test_what_has_no_relevance_is_shown_as_such(table: Any) -> None:
    """As deconvolution of SqueezeNet."""
    table.loc[table["explanation"] == "same", ["relevance", "total"]] = 0.0
    drawing = region_shares(table)
    _, second, dots = drawing.figure.axes
    assert [text.get_text() for text in second.texts] == ["0%"] * 4
    assert "±0%" in {text.get_text() for text in drawing.figure.texts}
    np.testing.assert_array_equal(np.asarray(dots.collections[1].get_offsets())[:, 0], 0)
    assert drawing.numbers["methods"][1]["shares"] == [[0, 0], [0, 0]]


def test_numbers_tell_how_unequal_totals_are(table: Any) -> None:
    kept, same = region_shares(table).numbers["methods"]
    assert (kept["mean"], kept["variation"]) == (1, 0)
    assert same["total_by_score"] == rounded([4 / 3, 1])
    assert same["variation"] == rounded(np.std([4 / 3, 1], ddof=1) / (7 / 6))


def test_the_caption_tells_methods_with_their_settings(table: Any) -> None:
    caption = region_shares(table).caption
    assert "2 held-out images of dataset digits" in caption
    assert "2 × 2 regions" in caption  # noqa: RUF001
    assert "kept: layer-wise relevance propagation, epsilon = 0.01" in caption
    assert "same: prediction difference analysis, marginal sampling, windows of side k" in caption
