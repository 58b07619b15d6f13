"""Files that say which class each image of a flat ImageNet folder has."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from prediction_difference.data.class_names import WORDNET_ID, ClassList
from prediction_difference.data.folders import without_suffix
from prediction_difference.data.text_lists import read_lines
from prediction_difference.errors import DataError

DEVKIT_CLASSES = "meta.mat"
_NUMBERED = re.compile(r"ILSVRC\d{4}_val_0*(\d+)")


def read_ground_truth(file: Path, files: Sequence[str], classes: ClassList) -> np.ndarray:
    """(n,) class numbers of the files of a folder.

    Either lines of a file's name, with or without suffix, and its class: a WordNet id, or a number
    in the order of the classes, from 0. Or the challenge's own file: line i has the ILSVRC2012_ID
    of ILSVRC2012_val_<i>, in an order of its own that meta.mat, beside it, translates.

    Raises:
        DataError: the file or meta.mat cannot be read, a line cannot be understood, or an image
            has no line.
    """
    lines = read_lines(file)
    if not lines:
        raise DataError(file, "holds no line", "give a file with a line for each image")
    if all(line.isdecimal() for line in lines):
        return classes.numbers(_challenge_ids(file, lines, files), file)
    entries = _entries(file, lines)
    said = [entries.get(name) or entries.get(without_suffix(name)) for name in files]
    without = [name for name, entry in zip(files, said, strict=True) if entry is None]
    if without:
        what = f"{len(without)} of {len(files)} images have no line in it, such as {without[0]}"
        raise DataError(file, what, "add them, or choose images with the key files")
    return _numbers(file, [entry for entry in said if entry is not None], classes)


def _entries(file: Path, lines: Sequence[str]) -> dict[str, str]:
    """File name -> WordNet id or class number, as text."""
    entries: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        name, _, entry = line.replace("\t", " ").rpartition(" ")
        name = name.strip()
        if not name or not (entry.isdecimal() or WORDNET_ID.fullmatch(entry)):
            what = f"line {number} ({line!r}) is not a file's name and its class"
            remedy = "write the name, then a WordNet id such as n01440764, or a number from 0"
            raise DataError(file, what, remedy)
        if entries.setdefault(name, entry) != entry:
            raise DataError(file, f"gives {name} two classes", "remove one of the lines")
    return entries


def _numbers(file: Path, entries: Sequence[str], classes: ClassList) -> np.ndarray:
    are_numbers = {entry.isdecimal() for entry in entries}
    if len(are_numbers) > 1:
        what = "holds WordNet ids in some lines and class numbers in others"
        raise DataError(file, what, "write one of both")
    if are_numbers == {False}:
        return classes.numbers(entries, file)
    numbers = np.array(entries, dtype=np.int64)
    count = len(classes.names)
    if numbers.max() >= count:
        what = f"holds class number {numbers.max()}, the {count} classes are 0 to {count - 1}"
        raise DataError(file, what, "count from 0, in the order of class_names")
    return numbers


def _challenge_ids(file: Path, lines: Sequence[str], files: Sequence[str]) -> list[str]:
    """WordNet ids of the files by the challenge's list of ILSVRC2012_IDs."""
    matches = [_NUMBERED.fullmatch(without_suffix(name)) for name in files]
    if None in matches:
        what = f"has one number a line, but {files[matches.index(None)]} does not say which line "
        what += "is its own, as ILSVRC2012_val_00000001 does"
        raise DataError(file, what, "write lines of a file's name and its WordNet id")
    numbers = [int(match[1]) for match in matches if match is not None]
    if not 1 <= min(numbers) <= max(numbers) <= len(lines):
        what = f"has {len(lines)} lines, but images are numbered {min(numbers)} to {max(numbers)}"
        raise DataError(file, what, "give the ground truth of these images")
    translation = _read_devkit(file.parent / DEVKIT_CLASSES, file)
    ids = [translation.get(int(lines[number - 1])) for number in numbers]
    if None in ids:
        line = numbers[ids.index(None)]
        what = f"line {line} holds {lines[line - 1]}, which {DEVKIT_CLASSES} does not have"
        raise DataError(file, what, "give both as they are in the challenge's development kit")
    return [id for id in ids if id is not None]


def _read_devkit(meta: Path, file: Path) -> Mapping[int, str]:
    """ILSVRC2012_ID -> WordNet id."""
    if not meta.is_file():
        what = "has one number a line (ILSVRC2012_ID), whose order is not that of networks, and "
        what += f"there is no {DEVKIT_CLASSES} beside it"
        remedy = "put the development kit's there, or write lines of a file's name and WordNet id"
        raise DataError(file, what, remedy)
    from scipy.io import loadmat

    try:
        synsets = loadmat(meta, squeeze_me=True)["synsets"]
        return {int(synset["ILSVRC2012_ID"]): str(synset["WNID"]) for synset in synsets}
    # scipy raises nearly anything on damaged files: TypeError, struct.error, zlib.error, ...
    except Exception as error:
        reason = " ".join(str(error).split())
        what = f"is not {DEVKIT_CLASSES} of the development kit ({reason})"
        raise DataError(meta, what, "copy it again") from error
