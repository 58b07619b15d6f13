"""A concept is one object: its word stands in its own file, and it is found by lying there."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import prediction_difference
from prediction_difference import families
from prediction_difference.config import parse_config
from prediction_difference.errors import ConfigError, EntryError
from prediction_difference.registry import Family

PACKAGE = Path(prediction_difference.__file__).parent
FAMILIES = {name: one for name, one in vars(families).items() if isinstance(one, Family)}
ALSO = {
    "accuracy": "a column of tables and a number of classifiers' cards",
    "cifar10": "a folder's name",
    "claims": "a key of what evaluations of claims publish, and a place on the report's page",
    "conditional": "what perturbed regions are replaced by",
    "clear": "a function of the public face, a layer of the drawn maps, a key of pages",
    "deviation": "of numbers from their mean; a method of studies of location",
    "gaussian": "a method of studies of location",
    "imagenet": "a normalisation's name, and a folder's",
    "location": "where something lies: an attribute of stores, a variable of priors",
    "marginal": "a method of studies of location",
    "mnist": "a folder's name",
    "occlusion": "a method of studies of location",
    "pattern": "a method of studies of location, and a key of sources",
    "prediction-difference": "the program's own name",
    "random": "a sort of images that are chosen",
    "scikit-learn": "a library's name",
    "torch": "a library's name",
    "torchvision": "a library's name",
    "train": "the split of images that are trained on",
    "weights": "those of networks, and a method of studies of location",
    "aopc": "a number in tables and a function of the public face",
}
"""Words that also mean something else, which stands in other files."""


def texts(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def strays(word: str, own: set[Path], files: Iterator[Path]) -> list[str]:
    """Places of a word outside of the files of the concepts that it stands for."""
    return [
        f"{file.name}:{line}"
        for file in files
        if file not in own
        for line, text in texts(file.read_text())
        if text == word
    ]


def home(concept: type) -> Path:
    return Path(str(sys.modules[concept.__module__].__file__))


HOMES: dict[str, set[Path]] = {}
for _family in FAMILIES.values():
    for _word, _concept in _family.classes().items():
        HOMES.setdefault(_word, set()).add(home(_concept))


@pytest.mark.parametrize("word", sorted(HOMES.keys() - ALSO.keys()))
def test_a_word_stands_in_the_file_of_its_concept_alone(word: str) -> None:
    assert strays(word, HOMES[word], PACKAGE.rglob("*.py")) == []


def test_words_with_other_meanings_are_words() -> None:
    assert ALSO.keys() <= HOMES.keys()


def test_a_stray_word_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.py"
    file.write_text('"""About strong-features."""\n\nKINDS = {"strong-features": 1}\n')
    assert strays("strong-features", set(), iter([file])) == ["elsewhere.py:3"]
    assert strays("strong-features", {file}, iter([file])) == []


@pytest.mark.parametrize("name", FAMILIES)
def test_every_class_extends_its_protocol_and_has_a_word_of_its_own(name: str) -> None:
    family = FAMILIES[name]
    module, _, protocol = family.protocol.partition(":")
    base = getattr(__import__(module, fromlist=[protocol]), protocol)
    words = [word for one in family.sections() for word in one.words()]
    assert words
    assert len(words) == len(set(words))
    assert all(issubclass(one, base) and one.__doc__ for one in family.sections())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_word_is_found_without_the_other_modules(name: str) -> None:
    """A file has the name of its word, so that only what is asked for is imported."""
    family = FAMILIES[name]
    stems = {word: home(one).stem for word, one in family.classes().items()}
    assert {word: word.replace("-", "_") for word in stems} == stems


PLUGIN = '''
from prediction_difference.evaluation.measure import Measure


class Rows(Measure):
    """Counts rows."""

    explanations: tuple[str, ...] = ()
    least: int = 1


class NoMeasure:
    pass
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of a user's in the folder where the program is started."""
    (tmp_path / "own_measures.py").write_text(PLUGIN)
    (tmp_path / "broken_measures.py").write_text("import no_such_library\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("own_measures", "broken_measures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "own_measures:Rows"


def config(measure: str, **keys: Any) -> Any:
    evaluation = {"measure": measure, **keys}
    datasets = {"digits": {"source": "sklearn-digits"}}
    return parse_config({"datasets": datasets, "evaluations": {"mine": evaluation}})


def test_a_class_of_the_users_own_is_a_concept_like_the_others(plugin: str) -> None:
    entry = config(plugin, least=3).evaluations["mine"]
    assert (type(entry).__name__, entry.least, entry.measure) == ("Rows", 3, plugin)


@pytest.mark.parametrize(
    ("measure", "keys", "message"),
    [
        ("own_measures:Rows", {"leest": 3}, r"mine\.leest: this key is unknown; .*'least'"),
        ("own_measures:Rows", {"least": "x"}, r"mine\.least: 'x': .*integer"),
        ("own_measures:Row", {}, r"measure: own_measures:Row: the module has no 'Row'; .*'Rows'"),
        ("own_measures:NoMeasure", {}, "own_measures:NoMeasure is no Measure; let it extend"),
        ("no_measures:Rows", {}, "no_measures:Rows: there is no module 'no_measures'; correct"),
        ("broken_measures:Rows", {}, "broken_measures:Rows cannot be imported .*no_such_library"),
        ("strong-feature", {}, r"'strong-feature' is unknown; did you mean 'strong-features'\?"),
    ],
)
@pytest.mark.usefixtures("plugin")
def test_what_is_wrong_with_it_is_told_by_its_name(
    measure: str, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config(measure, **keys)


def test_a_class_without_what_the_protocol_asks_for_is_told(plugin: str, tmp_path: Path) -> None:
    (tmp_path / "own_measures.py").write_text(
        "from prediction_difference.data.source import Source\n\n\nclass Empty(Source):\n    pass\n"
    )
    with pytest.raises(EntryError, match="own_measures:Empty has no read; add what Source asks"):
        families.SOURCES.find("own_measures:Empty")
