"""The benchmark's own settings: what is shipped is right, mistakes are listed."""

from pathlib import Path

import pytest

from prediction_difference.benchmark.parts import all_parts
from prediction_difference.benchmark.settings import read_settings
from prediction_difference.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
SMALL = Path(__file__).parent / "small.yaml"


@pytest.mark.parametrize(
    "path", [ROOT / "workflow" / "benchmark.yaml", SMALL], ids=lambda p: p.name
)
def test_shipped_settings_are_right(path):
    settings = read_settings(path)
    names = [part.name for part in all_parts(settings)]
    assert len(names) == len(set(names))
    assert {f"network-{network}-cpu" for network in settings.networks} <= set(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("networks: {a: {architecture: alexnet}}\nround: 3\n", "round: Extra inputs"),
        ("networks: {a: {architecture: alexnet, side: 2}}\n", "networks.a.side: Input should be"),
        ("networks: {a: {architecture: b}}\ncases: [dens]\n", "cases.0: Input should be 'dense'"),
        (
            "networks: {a: {architecture: b}}\nablation: {networks: [c]}\n",
            "ablation.networks: c: is not one of the networks; choose from a",
        ),
        (
            "networks: {a: {architecture: b}}\nbatches: {cuda: [8]}\n",
            "batches.cpu: there are none; give at least one",
        ),
        ("- 1\n", "holds no settings"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, text, message):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_settings(file)


def test_targets_do_not_change_what_a_part_is(tmp_path):
    """Measurements of hours stay valid when only a hope is corrected."""
    before = {part.name: part.digest for part in all_parts(read_settings(SMALL))}
    text = SMALL.read_text()
    hoped, measured = tmp_path / "hoped.yaml", tmp_path / "measured.yaml"
    hoped.write_text(text.replace("incremental: 0.001", "incremental: 3").replace("600", "5"))
    measured.write_text(text.replace("side: 24\n    targets", "side: 25\n    targets"))
    assert {p.name: p.digest for p in all_parts(read_settings(hoped))} == before
    after = {p.name: p.digest for p in all_parts(read_settings(measured))}
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {
        "network-tiny-cpu",
        "map-tiny-cpu",
        "maps-tiny-cpu",
        "ablation-tiny-cpu",
    }
