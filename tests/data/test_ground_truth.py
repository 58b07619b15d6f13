"""Ground truth of flat ImageNet folders: three forms that are clear, all others refused."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from prediction_difference.data.class_names import ClassList
from prediction_difference.data.ground_truth import read_ground_truth
from prediction_difference.errors import DataError

IDS = ("n00000005", "n00000010", "n00000020")
CLASSES = ClassList(("newt", "owl", "pug"), IDS)
FILES = ("ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000003.JPEG")
# ILSVRC2012_ID -> WordNet id, in another order than the networks'; the last is no leaf.
DEVKIT = {1: IDS[2], 2: IDS[0], 3: IDS[1], 4: "n00001740"}


def write_devkit(folder: Path, lines: str) -> Path:
    """The two files of the challenge's development kit, with the fields that it has."""
    names = ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children")
    names += ("wordnet_height", "num_train_images")
    synsets = np.zeros((len(DEVKIT), 1), dtype=[(name, object) for name in names])
    for row, (number, id) in enumerate(DEVKIT.items()):
        children = [] if number < 4 else [1, 2]
        synsets[row, 0] = (number, id, "words", "gloss", len(children), children, 0, 1300)
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "meta.mat", {"synsets": synsets})
    file = folder / "ILSVRC2012_validation_ground_truth.txt"
    file.write_text(lines)
    return file


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "truth.txt"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    "text",
    [
        "ILSVRC2012_val_00000001.JPEG n00000020\nILSVRC2012_val_00000003.JPEG n00000005\n",
        "ILSVRC2012_val_00000003\tn00000005\nILSVRC2012_val_00000001\tn00000020\n",
        "ILSVRC2012_val_00000001.JPEG 2\nILSVRC2012_val_00000003.JPEG 0\n",
        "another 7\nILSVRC2012_val_00000003.JPEG 0\nILSVRC2012_val_00000001.JPEG 2\n",
    ],
)
def test_lines_of_a_file_and_its_class(tmp_path: Path, text: str) -> None:
    labels = read_ground_truth(written(tmp_path, text), FILES, CLASSES)
    assert labels.tolist() == [2, 0]


def test_file_names_with_spaces(tmp_path: Path) -> None:
    file = written(tmp_path, "my cat.png 1\n")
    assert read_ground_truth(file, ["my cat.png"], CLASSES).tolist() == [1]


def test_the_challenges_own_numbers(tmp_path: Path) -> None:
    """Also of a part of the images: line i is that of image i."""
    file = write_devkit(tmp_path, "1\n3\n2\n")
    assert read_ground_truth(file, FILES, CLASSES).tolist() == [2, 0]


def test_the_challenges_numbers_are_those_that_torchvision_reads(tmp_path: Path) -> None:
    from torchvision.datasets.imagenet import load_meta_file, parse_devkit_archive

    numbers = [3, 1, 2, 2, 1]
    lines = "\n".join(map(str, numbers)) + "\n"
    file = write_devkit(tmp_path / "ILSVRC2012_devkit_t12" / "data", lines)
    archive = tmp_path / "devkit.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(file.parent.parent, "ILSVRC2012_devkit_t12")
    out = tmp_path / "out"
    out.mkdir()
    archive.rename(out / archive.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchvision.datasets.imagenet._verify_archive", lambda *args: None)
        parse_devkit_archive(str(out), archive.name)
    _, expected = load_meta_file(str(out))
    files = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 6)]
    labels = read_ground_truth(file, files, CLASSES)
    assert [IDS[label] for label in labels] == list(expected)


def test_numbers_without_the_development_kit_are_refused(tmp_path: Path) -> None:
    message = r"truth\.txt: has one number a line \(ILSVRC2012_ID\), whose order is not that of net"
    with pytest.raises(DataError, match=message):
        read_ground_truth(written(tmp_path, "1\n2\n3\n"), FILES, CLASSES)


@pytest.mark.parametrize("content", [b"", b"no matrix", "other"])
def test_a_damaged_development_kit_is_refused(tmp_path: Path, content: bytes | str) -> None:
    file = write_devkit(tmp_path, "1\n3\n2\n")
    if isinstance(content, bytes):
        (tmp_path / "meta.mat").write_bytes(content)
    else:
        savemat(tmp_path / "meta.mat", {"other": np.zeros(3)})
    with pytest.raises(DataError, match=r"meta\.mat: is not meta\.mat of the development kit"):
        read_ground_truth(file, FILES, CLASSES)


@pytest.mark.parametrize(
    ("lines", "files", "message"),
    [
        ("1\n2\n", FILES, "has 2 lines, but images are numbered 1 to 3"),
        ("1\n2\n9\n", FILES, r"line 3 holds 9, which meta\.mat does not have"),
        ("1\n2\n4\n", FILES, "n00001740: the list of classes has no such WordNet id"),
        ("1\n2\n", ("a.png", "b.png"), "has one number a line, but a.png does not say which line"),
    ],
)
def test_challenge_numbers_that_do_not_fit(
    tmp_path: Path, lines: str, files: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_ground_truth(write_devkit(tmp_path, lines), files, CLASSES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no line"),
        ("a.png cat\nb.png 0\n", r"line 1 \('a.png cat'\) is not a file's name and its class"),
        ("a.png 0\n\nb.png 0\n", r"line 2 \(''\) is not a file's name and its class"),
        ("a.png 0\n", "1 of 2 images have no line in it, such as b.png"),
        ("a.png 0\nb.png 0\na.png 1\n", "gives a.png two classes"),
        ("a.png 0\nb.png n00000005\n", "holds WordNet ids in some lines and class numbers in oth"),
        ("a.png 1\nb.png 3\n", "holds class number 3, the 3 classes are 0 to 2; count from 0"),
        ("a.png n00000005\nb.png n00000006\n", "n00000006: the list of classes has no such"),
    ],
)
def test_lists_that_are_not_clear(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"truth\.txt: {message}"):
        read_ground_truth(written(tmp_path, text), ["a.png", "b.png"], CLASSES)
