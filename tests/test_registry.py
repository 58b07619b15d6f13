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


def _in(why: str, *files: str) -> dict[str, str]:
    return dict.fromkeys(files, why)


_LIBRARY = _in("a library's name, of which the version is noted", "provenance.py")
ALSO: dict[str, dict[str, str]] = {
    "accuracy": _in(
        "a number of classifiers' cards, and a column and an axis of what is drawn from them",
        "classifiers/measures.py",
        "evaluation/claims/follows_accuracy.py",
        "evaluation/cohort_accuracy.py",
        "evaluation/location.py",
        "evaluation/measures/cohort_accuracy.py",
        "evaluation/measures/strong_features.py",
        "evaluation/perturbed_table.py",
        "evaluation/strong_features.py",
        "figures/location.py",
        "figures/strong_features.py",
        "figures/training_curves.py",
        "report/tables.py",
    ),
    "aopc": _in("a function of the public face", "__init__.py")
    | _in(
        "a number in tables and figures",
        "evaluation/perturbed_summary.py",
        "evaluation/perturbed_table.py",
        "figures/compared_methods.py",
        "figures/losses.py",
        "figures/training_curves.py",
    ),
    "cifar10": _in("a folder's name", "data/cifar10_jpegs.py"),
    "claims": _in("a rule of the workflow", "artifacts/table.py")
    | _in("a key of what evaluations of claims publish", "evaluation/claim_checks.py"),
    "clear": _in("a function of the public face", "__init__.py")
    | _in("a layer of the drawn maps", "figures/clear_panels.py")
    | _in("a key of pages", "report/maps_page.py"),
    "conditional": _in(
        "what regions are replaced by, drawn from a prior",
        "choices.py",
        "evaluation/measures/aopc.py",
        "evaluation/perturbed_summary.py",
        "evaluation/replacements.py",
        "evaluation/shards.py",
    ),
    "deviation": _in(
        "standard deviation, a column of tables",
        "evaluation/claim_checks.py",
        "evaluation/cohort_accuracy.py",
        "evaluation/measures/cohort_accuracy.py",
    ),
    "imagenet": _in(
        "a normalisation's name",
        "classifiers/kinds/fine_tuned.py",
        "classifiers/kinds/torchvision.py",
        "classifiers/normalisation.py",
        "cli/own_photographs.py",
    )
    | _in("a folder's name", "data/imagenet.py"),
    "location": _in(
        "what a prior takes off images for their place, an attribute of stores",
        "attribution/description.py",
        "attribution/nifti.py",
        "evaluation/location.py",
        "figures/location.py",
        "priors/gaussian.py",
        "priors/kinds/gaussian.py",
        "priors/store.py",
    ),
    "pattern": _in("a key of JSON schemas", "registry.py"),
    "prediction-difference": _in(
        "the program's own name", "cli/main.py", "figures/drawing.py", "provenance.py"
    ),
    "random": _in(
        "a sort of images that are chosen",
        "attribution/image_choice.py",
        "attribution/selection.py",
    ),
    "scikit-learn": _LIBRARY | _in("the library that brings the digits", "data/digits.py"),
    "torch": _LIBRARY,
    "torchvision": _LIBRARY,
    "train": _in(
        "the images that are trained on, in splits and in names of files",
        "data/dataset.py",
        "data/imagenet.py",
        "data/sources/cifar100.py",
        "data/sources/imagenette.py",
        "data/sources/places365.py",
        "data/sources/torchvision_sets.py",
    ),
    "weights": _in(
        "those of a network, a key of settings",
        "classifiers/fine_tuning.py",
        "cli/own_photographs.py",
    )
    | _in("those of a plane, drawn beside maps", "figures/volume_slices.py"),
}
"""Words that also mean something else: in which files, and what. Elsewhere they are strays."""


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


@pytest.mark.parametrize("word", sorted(HOMES))
def test_a_word_stands_in_the_file_of_its_concept_alone(word: str) -> None:
    also = {PACKAGE / file for file in ALSO.get(word, {})}
    assert strays(word, HOMES[word] | also, PACKAGE.rglob("*.py")) == []


@pytest.mark.parametrize("word", sorted(ALSO))
def test_a_word_with_another_meaning_stands_where_it_is_said_to(word: str) -> None:
    """An exception that nothing needs any more would hide what comes later."""
    assert word in HOMES
    unused = [f for f in ALSO[word] if not strays(word, HOMES[word], iter([PACKAGE / f]))]
    assert unused == []


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
        ("own_measures:Rows", {"least": "x"}, r"mine\.least: 'x' is a text; give a whole number"),
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
