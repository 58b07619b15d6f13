"""Files of class names: with WordNet ids, plain, and all that is wrong with them."""

from pathlib import Path

import pytest

from prediction_difference.data.class_names import ClassList, read_class_names
from prediction_difference.errors import DataError

SYNSETS = """n01440764 tench, Tinca tinca
n02012849 crane
n03126707 crane
n03710637\tmaillot
n03710721 maillot, tank suit
n00000001
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "classes.txt"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


@pytest.mark.parametrize(
    "text", [SYNSETS, SYNSETS.replace("\n", "\r\n"), "\ufeff" + SYNSETS + "\n\n"]
)
def test_wordnet_ids_are_dropped_but_where_they_tell_classes_apart(
    tmp_path: Path, text: str
) -> None:
    classes = read_class_names(written(tmp_path, text))
    cranes = ("crane (n02012849)", "crane (n03126707)")
    maillots = ("maillot (n03710637)", "maillot (n03710721)")
    assert classes.names == ("tench", *cranes, *maillots, "n00000001")
    assert classes.ids == tuple(line[:9] for line in SYNSETS.splitlines())


def test_plain_names_are_taken_as_they_are(tmp_path: Path) -> None:
    text = "cat, tabby\nnewt\nn02 is no id\n"
    assert read_class_names(written(tmp_path, text)) == ClassList(tuple(text.splitlines()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no class; write one name a line"),
        ("a\n\nb\n", "line 2 is blank"),
        ("a\nb\na\n", "'a' stands in lines 1 and 3; give every class a name of its own"),
        ("n01440764 a\nn01440764 b\n", "'n01440764' stands in lines 1 and 2"),
        ("n01440764 a\nb\n", r"line 2 \('b'\) has no WordNet id, others begin with one"),
        (b"caf\xe9\n", "cannot be read .*correct the path"),
    ],
)
def test_what_names_no_classes_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"classes\.txt: {message}"):
        read_class_names(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: cannot be read"):
        read_class_names(tmp_path / "none.txt")


def test_numbers_of_ids(tmp_path: Path) -> None:
    classes = read_class_names(written(tmp_path, SYNSETS))
    assert classes.numbers(["n03126707", "n01440764"], "x").tolist() == [2, 0]
    with pytest.raises(DataError, match="x: n99999999: the list of classes has no such WordNet id"):
        classes.numbers(["n03126707", "n99999999"], "x")


@pytest.mark.realdata
def test_all_classes_of_imagenet_have_a_name_of_their_own(pda_data: Path) -> None:
    """And nearly all the one that torchvision's weights give them."""
    from torchvision.models import AlexNet_Weights

    classes = read_class_names(pda_data / "imagenet_sample" / "synset_words.txt")
    assert len(classes.names) == len(set(classes.names)) == len(set(classes.ids)) == 1000
    assert classes.ids == tuple(sorted(classes.ids))
    theirs = AlexNet_Weights.DEFAULT.meta["categories"]
    differ = {n for n, name in enumerate(classes.names) if name != theirs[n]}
    assert {classes.names[n].split()[0] for n in differ} == {"crane", "maillot"}
    assert len(differ) == 4
