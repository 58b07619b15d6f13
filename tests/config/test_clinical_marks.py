"""Which figures speak of clinical use, and that such a mark changes no result."""

from typing import Any

import pytest

from prediction_difference.config import is_clinical, parse_config

SIMULATED = {"source": "simulated-fa", "folds": 4}
FOLDER = {"source": "image-folder", "root": "x", "size": [9, 9], "folds": 2}
SHOWN = {"kind": "heatmaps", "explanations": ["maps"]}
TABLE = {"kind": "location", "evaluation": "place"}


def config_of(dataset: dict[str, Any], figure: dict[str, Any]) -> Any:
    is_volume = dataset is SIMULATED
    plane = {"kind": "logistic-regression", "dataset": "own"}
    network = {"kind": "train", "dataset": "own"}
    maps = {"method": "occlusion", "classifier": "net", "images": {"random": 1}}
    raw: dict[str, Any] = {
        "datasets": {"own": dataset},
        "classifiers": {"net": plane if is_volume else network},
        "explanations": {"maps": maps | {"window": 3}},
        "figures": {"shown": figure},
    }
    if figure is TABLE:
        raw["evaluations"] = {"place": {"measure": "location", "explanations": ["maps"]}}
    return parse_config(raw)


@pytest.mark.parametrize(
    ("dataset", "figure", "expected"),
    [
        (FOLDER, SHOWN, False),
        (FOLDER | {"clinical": True}, SHOWN, True),
        (SIMULATED, SHOWN | {"kind": "volume-slices"}, True),
        (SIMULATED, TABLE, True),
    ],
    ids=["photographs", "scans", "volumes", "study"],
)
def test_figures_of_clinical_images_are_known(
    dataset: dict[str, Any], figure: dict[str, Any], expected: bool
) -> None:
    config = config_of(dataset, figure)
    assert is_clinical(config, config.figures["shown"]) is expected


def test_a_mark_changes_no_result() -> None:
    plain, marked = (
        config_of(FOLDER | {"clinical": clinical}, SHOWN).datasets["own"]
        for clinical in (False, True)
    )
    assert plain.content == marked.content
    assert "clinical" not in plain.content
    assert plain != marked
