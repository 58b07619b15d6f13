"""Accuracy with and without strong features, on a classifier that is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from prediction_difference.config import parse_config
from prediction_difference.errors import ConfigError, StoreError
from prediction_difference.evaluation.dominance import summarise_dominance
from prediction_difference.evaluation.measure import Inputs
from prediction_difference.evaluation.strong_features import (
    masked,
    strong,
    summarise_strong_features,
)
from prediction_difference.evaluation.table import read_table, write_table
from prediction_difference.run import Config

RAW: dict[str, Any] = {
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "classifiers": {"net": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 8}},
    "explanations": {
        "responses": {
            "method": "deconvolution",
            "norm": "sum",
            "start": "response",
            "classifier": "net",
            "images": {"random": 12},
            "images_per_job": 12,
            "nodes": [{"classes": "all"}],
        },
        "label": {
            "method": "lrp_epsilon",
            "classifier": "net",
            "images": {"random": 12},
            "images_per_job": 12,
            "nodes": [{"of": "label"}],
        },
    },
    "evaluations": {
        "parts": {
            "measure": "strong-features",
            "explanations": ["responses", "label"],
            "thresholds": [0, 0.5, 1],
        },
        "dominant": {"measure": "dominance", "explanations": ["responses"]},
    },
}
CONFIG: Config = parse_config(RAW)


def measured(config, name, results):
    return config.evaluations[name].table(Inputs(config, name, results))


@pytest.fixture(scope="module")
def results(run_digits: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = run_digits(CONFIG, tmp_path_factory.mktemp("results"))
    return found


def test_strong_pixels_are_those_from_a_share_of_the_largest() -> None:
    relevance = np.array([[4.0, 2.0], [1.0, -3.0]])
    assert strong(relevance, 0.5).tolist() == [[True, True], [False, False]]
    assert strong(relevance, 0).tolist() == [[True, True], [True, False]]
    assert strong(relevance, 1).tolist() == [[True, False], [False, False]]
    assert not strong(-np.ones((2, 2)), 0).any()


def test_other_pixels_are_filled(generator: Any) -> None:
    image = generator.random((3, 2, 2)).astype(np.float32)
    is_kept = np.array([[True, False], [False, True]])
    found = masked(image, is_kept, 0.5)
    assert (found[:, ~is_kept] == 0.5).all()
    np.testing.assert_array_equal(found[:, is_kept], image[:, is_kept])


def test_every_part_of_an_image_is_classified(results: Path, tmp_path: Path) -> None:
    table = measured(CONFIG, "parts", results)
    assert len(table) == 2 * 12 * (1 + 3 * 2)
    full = table[table["part"] == "full"].set_index(["explanation", "image"])["correct"]
    assert (full["responses"] == full["label"]).all()
    write_table(table, tmp_path / "t.parquet")
    summary = summarise_strong_features(read_table(tmp_path / "t.parquet"))
    row = summary[(summary["part"] == "only") & (summary["threshold"] == 0.5)].iloc[0]
    chosen = table[
        (table["explanation"] == row["explanation"])
        & (table["part"] == "only")
        & (table["threshold"] == 0.5)
    ]
    assert row["accuracy"] == chosen["correct"].mean()
    low, high = stats.binomtest(int(chosen["correct"].sum()), 12).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == (low, high)
    shares = summary[summary["part"] == "only"].groupby("explanation")["share"].apply(list)
    assert all(np.all(np.diff(some) <= 0) for some in shares)


def test_without_all_that_is_strong_and_with_nothing_else(results: Path) -> None:
    """By hand, for one image."""
    import prediction_difference as pda
    from prediction_difference.evaluation.bench import Bench

    store = pda.open_attribution(results / "attributions" / "responses" / "random-1.zarr")
    bench = Bench(results / "classifiers" / "net", "cpu")
    names = [node["class"] for node in store.attrs["nodes"]]
    relevance = store["relevance"].values[names.index(store.attrs["label"])]
    is_strong = (relevance > 0) & (relevance >= 0.5 * relevance.max())
    image = store["image"].values
    expected = [
        bench.card.class_names[int(bench.scores([part], "test").argmax())] == store.attrs["label"]
        for part in (image * is_strong, image * ~is_strong)
    ]
    table = measured(CONFIG, "parts", results)
    rows = table[
        (table["explanation"] == "responses")
        & (table["image"] == "random-1")
        & (table["threshold"] == 0.5)
    ].set_index("part")["correct"]
    assert [rows["only"], rows["without"]] == expected


def test_a_class_that_is_not_explained_is_named(results: Path) -> None:
    raw = RAW | {"evaluations": {"d": {"measure": "dominance", "explanations": ["label"]}}}
    with pytest.raises(Exception, match=r"'label' does not explain several classes.*classes: all"):
        parse_config(raw)
    config = CONFIG.model_copy(
        update={
            "evaluations": {
                "d": CONFIG.evaluations["dominant"].model_copy(update={"explanations": ("label",)})
            }
        }
    )
    with pytest.raises(StoreError, match="explains 1 class, 2 are needed"):
        measured(config, "d", results)


@pytest.mark.parametrize(
    ("section", "changed", "message"),
    [
        ("evaluations", {"measure": "strong-features", "explanations": ["few"]}, "label's class"),
        ("evaluations", {"measure": "dominance", "explanations": ["one"]}, "several classes"),
        ("evaluations", {"measure": "dominance", "explanations": ["mixed"]}, "the same output"),
        ("figures", {"kind": "clear", "explanations": ["one"]}, "several classes"),
        (
            "evaluations",
            {
                "measure": "claims",
                "claims": [
                    {
                        "claim": "strong-features",
                        "where": "Table 1",
                        "statement": "More are right.",
                        "evaluation": "parts",
                        "explanation": "responses",
                        "threshold": 0.1,
                    }
                ],
            },
            r"choose from 0, 0\.5, 1",
        ),
    ],
)
def test_what_cannot_be_compared_is_known_before_anything_runs(
    section: str, changed: Any, message: str
) -> None:
    nodes = {
        "few": [{"classes": 3}],
        "one": [{"classes": 1}],
        "mixed": [{"classes": 2}, {"of": "label", "output": "probability"}],
    }
    more = {n: RAW["explanations"]["responses"] | {"nodes": some} for n, some in nodes.items()}
    raw = RAW | {"explanations": RAW["explanations"] | more}
    with pytest.raises(ConfigError, match=message):
        parse_config(raw | {section: RAW.get(section, {}) | {"new": changed}})


@pytest.mark.parametrize("name", ["parts", "dominant"])
def test_an_image_without_a_label_is_named(
    results: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import prediction_difference as pda
    from prediction_difference.evaluation import dominance, strong_features

    def unlabelled(path: Path) -> Any:
        return pda.open_attribution(path).assign_attrs(label=None)

    monkeypatch.setattr(dominance, "open_attribution", unlabelled)
    monkeypatch.setattr(strong_features, "open_attribution", unlabelled)
    with pytest.raises(StoreError, match=r"responses, random-1: has no label"):
        measured(CONFIG, name, results)


def test_the_dominant_class_is_counted(results: Path) -> None:
    import prediction_difference as pda

    table = measured(CONFIG, "dominant", results)
    assert len(table) == 12
    row = table.iloc[0]
    store = pda.open_attribution(results / "attributions" / "responses" / f"{row['image']}.zarr")
    responses = store["relevance"].values
    names = [node["class"] for node in store.attrs["nodes"]]
    winner = responses.argmax(0)
    counted = responses.max(0) >= 0.1 * responses.max()
    areas = [(winner[counted] == c).sum() for c in range(10)]
    sums = [responses.max(0)[(winner == c) & (responses.max(0) > 0)].sum() for c in range(10)]
    assert (row["area"], row["sum"]) == (names[int(np.argmax(areas))], names[int(np.argmax(sums))])
    summary = summarise_dominance(table)
    np.testing.assert_allclose(summary["chance"], 0.1)
    assert summary.groupby("measure")["images"].sum().tolist() == [12, 12]
    for _, line in summary.iterrows():
        part = table[table["right"] == line["right"]]
        share = (part[line["measure"]] == part["predicted"]).mean()
        assert line["agreement"] == share
        assert line["low"] <= share <= line["high"]
