"""Points are those of the table."""

from typing import Any

import pandas
import pytest

from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.figures import style
from prediction_difference.figures.location import location_points

METHODS = ("gaussian", "voxel-mean", "weights")
SETTINGS = LocationStudy(measure="location", dataset="fa", cells=5, methods=METHODS)


@pytest.fixture
def table(generator: Any) -> Any:
    rows = [
        (cohort, method, quantity, region, value)
        for cohort in range(5)
        for method in METHODS
        for quantity, region in (("auc", "a"), ("auc", "b"), ("within", ""), ("across", ""))
        for value in [float(generator.random())]
    ]
    rows += [(cohort, "", "accuracy", "", 0.7) for cohort in range(5)]
    found = pandas.DataFrame(rows, columns=["cohort", "method", "quantity", "region", "value"])
    cohort = SimulatedFA(source="simulated-fa", effect=0.3)
    found.attrs = {
        "evaluation": "where",
        "settings": SETTINGS.model_dump(mode="json"),
        "dataset_settings": cohort.model_dump(mode="json"),
        "dataset": "fa",
        "seed": 4,
    }
    return found


def test_points_are_means_over_cohorts_and_regions(table: Any) -> None:
    with style.context():
        drawing = location_points(table)
    hits, alike = drawing.figure.axes
    for number, (method, told) in enumerate(zip(METHODS, drawing.numbers["methods"], strict=True)):
        part = table[(table["method"] == method) & (table["quantity"] == "auc")]
        mean = part.groupby("cohort")["value"].mean().mean()
        assert told["method"] == method
        assert told["auc"] == pytest.approx(mean, rel=1e-3)
        interval, point = hits.lines[1 + 2 * number : 3 + 2 * number]
        assert point.get_xdata()[0] == pytest.approx(mean)
        low, high = interval.get_xdata()
        assert low < mean < high
        assert point.get_ydata()[0] == number
    assert len(alike.lines) == 1 + 4 * len(METHODS)


def test_the_caption_says_what_was_measured(table: Any) -> None:
    with style.context():
        caption = location_points(table).caption
    for words in (
        "5 simulated cohorts of 24 patients and 24 controls",
        "slices 29 to 40",
        "right for 70.0% of subjects",
        "mean over 2 regions",
        "seed 4",
    ):
        assert words in caption.replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")


def test_cells_are_those_of_the_study(table: Any) -> None:
    table.attrs["settings"]["methods"] = ["grid-index"]
    table["method"] = table["method"].replace("gaussian", "grid-index")
    with style.context():
        drawing = location_points(table)
    texts = [text.get_text() for text in drawing.figure.texts]
    assert any("indices of 5 cells" in text for text in texts)
