"""The table of artifacts says of every job what it makes, from what, and what that depends on."""

from pathlib import Path

import pytest
import yaml

from example_run import TINY
from prediction_difference.artifacts.table import RESOURCES, Artifact, Artifacts
from prediction_difference.config import parse_config, read_config

ROOT = Path(__file__).parent.parent.parent
SHIPPED = sorted((ROOT / "config").rglob("*.yaml"))


def table(**changes: object) -> Artifacts:
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    for place, value in changes.items():
        section, name, key = place.split("__")
        raw[section][name][key] = value
    return Artifacts(parse_config(raw), Path("results/tiny"))


def by_main(artifacts: Artifacts) -> dict[Path, Artifact]:
    return {one.main: one for one in artifacts}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_input_is_made_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all shipped configurations: files that a job waits for are those of earlier ones."""
    monkeypatch.setenv("PDA_DATA", "/somewhere")
    monkeypatch.chdir(ROOT)
    config = read_config(path)
    made: set[Path] = set()
    for one in Artifacts(config, Path("results") / config.run.name):
        asked = {file for files in one.inputs.values() for file in files}
        assert asked <= made, (one.rule, one.name)
        assert one.rule in RESOURCES
        made.update(one.outputs)
    assert made


def test_files_and_places_of_jobs_differ() -> None:
    artifacts = list(table(explanations__evidence__chunks=2))
    assert len({one.main for one in artifacts}) == len(artifacts)
    assert len({one.place for one in artifacts}) == len(artifacts)
    assert [one.rule for one in artifacts] == [
        *("data", "prior", "classifier", "chunk", "attribution", "chunk", "chunk", "attribution"),
        *("evaluation", "figure", "report"),
    ]


def test_a_rule_and_its_wildcards_name_an_artifact() -> None:
    artifacts = table()
    of = artifacts.of
    assert of("data", dataset="digits") == artifacts.data("digits")
    assert of("chunk", explanation="chance", batch="0", chunk="0").main.name == (
        "batch-0.chunk-0.json"
    )
    figure = of("figure", paper="tiny", figure="maps")
    assert figure.main == Path("results/tiny/figures/tiny/maps.json")
    assert {file.name for file in figure.inputs["attributions"]} == {"evidence.json", "chance.json"}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"priors__patches__ridge": 0.5}, {"prior"}),
        ({"explanations__evidence__samples": 9}, {"chunk"}),
        ({"evaluations__sums__regions": 2}, {"evaluation"}),
        ({"figures__maps__top": 0.5}, {"figure"}),
        ({"classifiers__network__width": 8}, {"classifier"}),
        ({"explanations__evidence__window": 3}, {"chunk", "prior"}),
    ],
)
def test_settings_are_those_that_matter(change: dict[str, object], changed: set[str]) -> None:
    """The report says all settings; of the others, only what is made from an entry changes."""
    before, after = by_main(table()), by_main(table(**change))
    found = {one.rule for main, one in before.items() if one.text != after[main].text}
    assert found - {"report"} == changed


def test_only_networks_ask_for_a_gpu() -> None:
    artifacts = table()
    assert artifacts.classifier("network").uses_gpu
    assert not artifacts.data("digits").uses_gpu
    assert not artifacts.evaluation("sums").uses_gpu
