"""Several settings of one configuration, and paths with variables."""

from pathlib import Path

import pytest
import yaml

from prediction_difference.config import parse_config, read_config, variables_in
from prediction_difference.config.settings import with_setting
from prediction_difference.errors import ConfigError

ROOT = Path(__file__).parents[2]
SHARED = {
    "run": {"name": "any", "seed": 3},
    "datasets": {"digits": {"source": "sklearn-digits", "test_fraction": 0.2}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "epochs": 2}},
}
SETTINGS = {
    "small": {"run": {"name": "few"}},
    "full": {"run": {"name": "many"}, "classifiers": {"network": {"epochs": 9}}},
}


@pytest.mark.parametrize(
    ("setting", "name", "epochs"), [(None, "few", 2), ("small", "few", 2), ("full", "many", 9)]
)
def test_the_chosen_setting_is_laid_over_the_rest(setting, name, epochs):
    raw = {**SHARED, "settings": SETTINGS} | ({"setting": setting} if setting else {})
    config = parse_config(raw)
    assert (config.run.name, config.run.seed) == (name, 3)
    assert config.classifiers["network"].epochs == epochs
    assert config.datasets["digits"].test_fraction == 0.2


def test_what_is_merged_and_what_is_replaced():
    base = {"a": {"b": {"c": 1, "d": [1, 2]}, "e": None}, "f": 1}
    over = {"a": {"b": {"d": [3], "g": 4}, "e": {"h": 5}}, "f": None}
    merged, problems = with_setting({**base, "settings": {"one": over}})
    assert problems == []
    assert merged == {"a": {"b": {"c": 1, "d": [3], "g": 4}, "e": {"h": 5}}, "f": None}
    assert base["a"] == {"b": {"c": 1, "d": [1, 2]}, "e": None}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"setting": "small"}, "setting: 'small' is asked for, but the file has no settings"),
        ({"settings": SETTINGS, "setting": "ful"}, "there is no setting 'ful'.*'full'"),
        ({"settings": SETTINGS, "setting": 3}, "there is no setting '3'.*choose one of full"),
        ({"settings": {}}, "settings: holds none"),
        ({"settings": ["small"]}, "settings: holds none"),
        ({"settings": {"small": 5}}, r"settings\.small: not a mapping"),
        ({"settings": {"small": {"runs": {}}}}, "runs: this key is unknown.*'run'"),
    ],
)
def test_settings_that_cannot_be_are_named(extra, message):
    with pytest.raises(ConfigError, match=message):
        parse_config({**SHARED, **extra})


def test_paths_hold_variables_and_the_home_folder(monkeypatch):
    monkeypatch.setenv("SOME_FOLDER", "/somewhere")
    monkeypatch.setenv("HOME", "/home/me")

    def weights_at(path: str) -> str:
        network = {"kind": "torchvision", "dataset": "digits", "model": "vgg16", "weights": path}
        return parse_config({**SHARED, "classifiers": {"n": network}}).classifiers["n"].weights

    assert weights_at("$SOME_FOLDER/w.pth") == "/somewhere/w.pth"
    assert weights_at("${SOME_FOLDER}/w.pth") == "/somewhere/w.pth"
    assert weights_at("~/w.pth") == "/home/me/w.pth"
    assert weights_at("DEFAULT") == "DEFAULT"
    assert weights_at("cost $.pth") == "cost $.pth"
    monkeypatch.delenv("SOME_FOLDER")
    with pytest.raises(ConfigError, match="variable SOME_FOLDER is not set; set it"):
        weights_at("${SOME_FOLDER}/w.pth")


@pytest.mark.parametrize("file", sorted(ROOT.glob("config/papers/*.yaml")), ids=lambda f: f.stem)
def test_configurations_of_papers_are_right_in_each_setting(file, monkeypatch):
    for variable in ("PDA_DATA", "MRI_COHORT"):
        monkeypatch.setenv(variable, "/somewhere")
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {"small", "full"} <= raw["settings"].keys()
    names = set()
    for setting in raw["settings"]:
        config = parse_config(raw | {"setting": setting})
        assert config.run.paper == file.stem
        assert setting in config.run.setting
        names.add(config.run.name)
    assert len(names) == len(raw["settings"])
    assert read_config(file).run.name in names


def test_variables_of_a_configuration_are_found_wherever_they_stand():
    raw = {
        "datasets": {"photographs": {"root": "$DATA/mine", "files": ["${LISTS}/a", "~b", "c~"]}},
        "run": {"seed": 1, "name": "none here"},
    }
    assert variables_in(raw) == {"DATA", "LISTS", "HOME"}
