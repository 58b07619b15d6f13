"""Points are those of the table."""

from typing import Any

import pandas
import pytest

from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.figures import style
from prediction_difference.figures.location import location_points

EXPLANATIONS = {
    "gaussian": {"method": "prediction-difference", "prior": "patches", "window": 3},
    "weighted": {"method": "deviation", "weighted": True},
    "weights": {"method": "weights"},
}


@pytest.fixture
def table(generator: Any) -> Any:
    rows = [
        (cohort, name, quantity, region, value)
        for cohort in range(5)
        for name in EXPLANATIONS
        for quantity, region in (("auc", "a"), ("auc", "b"), ("within", ""), ("across", ""))
        for value in [float(generator.random())]
    ]
    rows += [(cohort, "", "accuracy", "", 0.7) for cohort in range(5)]
    found = pandas.DataFrame(rows, columns=["cohort", "explanation", "quantity", "region", "value"])
    cohort = SimulatedFA(source="simulated-fa", effect=0.3)
    found.attrs = {
        "evaluation": "where",
        "explanations": EXPLANATIONS,
        "priors": {"patches": {"patch": 7, "location": "none"}},
        "dataset_settings": cohort.model_dump(mode="json"),
        "classifier_settings": {"C": 0.5},
        "seed": 4,
    }
    return found


def test_points_are_means_over_cohorts_and_regions(table: Any) -> None:
    with style.context():
        drawing = location_points(table)
    hits, alike = drawing.figure.axes
    told_of = zip(EXPLANATIONS, drawing.numbers["explanations"], strict=True)
    for number, (name, told) in enumerate(told_of):
        part = table[(table["explanation"] == name) & (table["quantity"] == "auc")]
        mean = part.groupby("cohort")["value"].mean().mean()
        assert told["explanation"] == name
        assert told["auc"] == pytest.approx(mean, rel=1e-3)
        interval, point = hits.lines[1 + 2 * number : 3 + 2 * number]
        assert point.get_xdata()[0] == pytest.approx(mean)
        low, high = interval.get_xdata()
        assert low < mean < high
        assert point.get_ydata()[0] == number
    assert len(alike.lines) == 1 + 4 * len(EXPLANATIONS)


def test_the_caption_says_what_was_measured(table: Any) -> None:
    with style.context():
        caption = location_points(table).caption
    for words in (
        "5 simulated cohorts of 24 patients and 24 controls",
        "slices 29 to 40",
        "right for 70.0% of subjects",
        "mean over 2 regions",
        "C = 0.5 is right for",
        "weights of the log odds",
        "prediction difference analysis, conditional sampling from prior patches, windows of side",
        "Prior patches: patches of side l = 7, location none.",
        "seed 4",
    ):
        assert words in caption.replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
