"""An edit costs what it changes: shown on a copy of the package, artifact by artifact."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prediction_difference
from prediction_difference.closure import Code
from prediction_difference.config import parse_config
from prediction_difference.dependencies import BRAINS, REPORT, code_of, modules_behind
from prediction_difference.run import Config

PACKAGE = Path(prediction_difference.__file__).parent
EXPLAINED = {"classifier": "network", "images": {"random": 2}}
RAW: dict[str, Any] = {
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 4}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits"}},
    "explanations": {
        "pda": {"method": "prediction-difference", "prior": "patches", "window": 2, **EXPLAINED},
        "lrp": {"method": "lrp_epsilon", **EXPLAINED},
        "order": {"method": "random", **EXPLAINED},
    },
    "evaluations": {
        "aopc": {"measure": "aopc", "explanations": ["lrp", "order"], "region": 2, "steps": 4},
        "sizes": {"measure": "complexity", "explanations": ["lrp", "order"]},
        "said": {
            "measure": "claims",
            "claims": [
                {
                    "claim": "simpler",
                    "where": "here",
                    "statement": "so",
                    "evaluation": "sizes",
                    "explanation": "lrp",
                    "than": "order",
                }
            ],
        },
    },
    "figures": {
        "maps": {"kind": "heatmaps", "explanations": ["lrp"]},
        "plots": {"kind": "complexity", "evaluation": "sizes", "explanation": "lrp"},
    },
}
ENTRIES = [(s, n) for s in RAW for n in RAW[s]] + [(REPORT, ""), (BRAINS, "")]


@pytest.fixture(scope="module")
def config() -> Config:
    return parse_config(RAW)


Edit = Callable[[Path], None]


def changed_by(edit: Edit, config: Config, tmp_path: Path) -> set[str]:
    """What an edit of the package makes anew: names of entries, and pages."""
    copy = tmp_path / "prediction_difference"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def digests() -> dict[tuple[str, str], str]:
        code = Code(copy)
        return {one: code.digest(*modules_behind(config, *one)) for one in ENTRIES}

    before = digests()
    edit(copy)
    after = digests()
    return {
        name or section
        for section, name in ENTRIES
        if before[section, name] != after[section, name]
    }


def replacing(file: str, old: str, new: str) -> Edit:
    def edit(package: Path) -> None:
        path = package / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


def appending(file: str, text: str) -> Edit:
    def edit(package: Path) -> None:
        path = package / file
        before = path.read_text() if path.exists() else ""
        path.write_text(before + text)

    return edit


NEW_METHOD = '''"""A new method."""

from typing import Literal

from prediction_difference.attribution.method import Method


class New(Method):
    """A new method."""

    method: Literal["new"]
'''


@pytest.mark.parametrize(
    "edit",
    [
        appending("attribution/engines/incremental.py", "\n\n# A remark.\n"),
        replacing(
            "attribution/method.py", '"""The protocol of heatmap methods."""', '"""Other."""'
        ),
        appending("attribution/methods/new.py", NEW_METHOD),
        appending("evaluation/measures/new.py", NEW_METHOD),
        appending("figures/kinds/new.py", NEW_METHOD),
        replacing("attribution/methods/taylor.py", "class Taylor(", "class Tailor("),
        replacing("evaluation/measures/dominance.py", "class Dominance(", "class Domination("),
    ],
    ids=[
        "a comment",
        "a docstring",
        "a new method",
        "a new measure",
        "a new figure",
        "a method that is not used",
        "a measure that is not used",
    ],
)
def test_nothing_is_made_anew(edit: Edit, config: Config, tmp_path: Path) -> None:
    assert changed_by(edit, config, tmp_path) == set()


def test_the_incremental_engine_makes_prediction_differences_anew(
    config: Config, tmp_path: Path
) -> None:
    edit = appending("attribution/engines/incremental.py", "\nADDED = 1\n")
    changed = changed_by(edit, config, tmp_path)
    # The pages word every method that is shown, and so have its code among theirs.
    assert changed == {"pda", REPORT, BRAINS}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("attribution/relevance/redistribution.py", {"lrp"}),
        ("evaluation/complexity.py", {"sizes"}),
        ("evaluation/claims/simpler.py", {"said"}),
        ("classifiers/training.py", {"network"}),
        ("data/digits.py", {"digits"}),
        ("figures/heatmap_panels.py", {"maps"}),
        ("figures/complexity.py", {"plots"}),
        ("report/template.html.j2", {REPORT}),
    ],
)
def test_an_edit_makes_anew_what_imports_it(
    file: str, expected: set[str], config: Config, tmp_path: Path
) -> None:
    changed = changed_by(appending(file, "\nADDED = 1\n"), config, tmp_path)
    assert expected <= changed
    untouched = {"digits", "patches", "network", "order"} - expected
    if "network" in expected:
        # A kind of classifier trains and loads itself, so that maps are made anew as well.
        untouched = {"digits", "patches"}
    assert not changed & untouched, changed


def test_what_everything_rests_on_makes_everything_anew(config: Config, tmp_path: Path) -> None:
    changed = changed_by(appending("errors.py", "\nADDED = 1\n"), config, tmp_path)
    assert changed == {name or section for section, name in ENTRIES}


def test_the_module_of_a_users_own_class_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine_only.py"
    text = NEW_METHOD.replace('    method: Literal["new"]\n', "    least: int = 1\n")
    file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    explained = {"mine": {"method": "mine_only:New", **EXPLAINED}}
    config = parse_config({**RAW, "explanations": {**RAW["explanations"], **explained}})
    assert "mine_only" in modules_behind(config, "explanations", "mine")
    assert code_of(config, "explanations", "mine") != code_of(config, "explanations", "order")
    one = Code(PACKAGE).digest(*modules_behind(config, "explanations", "mine"))
    file.write_text(text + "# A remark.\n")
    same = Code(PACKAGE).digest(*modules_behind(config, "explanations", "mine"))
    file.write_text(text + "ADDED = 1\n")
    other = Code(PACKAGE).digest(*modules_behind(config, "explanations", "mine"))
    assert one == same != other
