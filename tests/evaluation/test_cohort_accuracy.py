"""Accuracy over cohorts: the run's own first, other seeds after it, and Student's interval."""

import pytest

from prediction_difference.classifiers.making import make_classifier
from prediction_difference.config import parse_config
from prediction_difference.errors import ConfigError
from prediction_difference.evaluation.cohort_accuracy import summarise_cohorts
from prediction_difference.evaluation.measure import Inputs
from prediction_difference.evaluation.table import write_table

RAW = {
    "run": {"seed": 7},
    "datasets": {
        "cohort": {
            "source": "simulated-fa",
            "patients": 4,
            "controls": 4,
            "folds": 2,
            "effect": 3,
            "slab": {"start": 34, "stop": 36},
        },
        "digits": {"source": "sklearn-digits"},
    },
    "classifiers": {
        "diagnosis": {"kind": "logistic-regression", "dataset": "cohort", "C": 1},
        "net": {"kind": "train", "dataset": "digits"},
    },
    "evaluations": {
        "seeds": {
            "measure": "cohort-accuracy",
            "classifier": "diagnosis",
            "cohorts": 2,
            "C": [0.01, 1],
        }
    },
}


def measured(config, name, results):
    return config.evaluations[name].table(Inputs(config, name, results))


def test_the_first_cohort_is_that_of_the_run_and_others_differ(tmp_path):
    config = parse_config(RAW)
    table = measured(config, "seeds", tmp_path)
    assert table["cohort"].tolist() == [7, 7, 8, 8]
    assert table["C"].tolist() == ["0.01", "1"] * 2
    dataset = config.datasets["cohort"].load("cohort", 7)
    card = make_classifier(
        config.classifiers["diagnosis"], "diagnosis", dataset, 7, "cpu", tmp_path / "made"
    )
    first = table[(table["cohort"] == 7) & (table["C"] == "1")].iloc[0]
    assert first["accuracy"] == card.accuracy
    assert first["area_under_curve"] == pytest.approx(card.measures["area_under_curve"])
    write_table(table, tmp_path / "seeds.parquet")
    measure = config.evaluations["seeds"]
    shown = measure.summary(measure.read(tmp_path / "seeds.parquet"))
    assert [row[:5] for row in shown.rows] == [
        ["diagnosis", "logistic-regression", "2", "3", c] for c in ("0.01", "1")
    ]
    assert summarise_cohorts(table)["mean"].iloc[1] == table["accuracy"].iloc[[1, 3]].mean()


def test_only_simulated_cohorts_have_other_seeds():
    raw = RAW | {"evaluations": {"seeds": RAW["evaluations"]["seeds"] | {"classifier": "net"}}}
    with pytest.raises(ConfigError, match="'net' is no logistic regression of a simulated cohort"):
        parse_config(raw)
