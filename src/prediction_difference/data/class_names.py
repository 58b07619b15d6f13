"""Files of class names in the order of a network's scores, with or without WordNet ids."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prediction_difference.data.text_lists import read_lines
from prediction_difference.errors import DataError

WORDNET_ID = re.compile(r"n\d{8}(?!\d)")
_SYNSET = re.compile(r"(n\d{8})(?:\s+(\S.*))?")


@dataclass(frozen=True)
class ClassList:
    """Classes in the order of the scores; ids: their WordNet ids, or none."""

    names: tuple[str, ...]
    ids: tuple[str, ...] = ()

    def numbers(self, ids: Sequence[str], where: object) -> np.ndarray:
        """(n,) class numbers of WordNet ids.

        Raises:
            DataError: an id is of none of the classes.
        """
        own = {id: number for number, id in enumerate(self.ids)}
        unknown = sorted(set(ids) - set(own))
        if unknown:
            few = ", ".join(unknown[:5]) + (", ..." if unknown[5:] else "")
            what = f"{few}: the list of classes has no such WordNet id"
            raise DataError(where, what, "correct class_names, or remove these images")
        return np.array([own[id] for id in ids], dtype=np.int64)


def read_class_names(file: Path) -> ClassList:
    """Read one class a line: a plain name, or a WordNet id and its names between commas.

    A class with an id has the first of its names, without the id; where another class has it too,
    as ImageNet's two cranes, with the id behind it: "crane (n02012849)".

    Raises:
        DataError: the file cannot be read, a class is missing or occurs twice, or some lines only
            begin with an id.
    """
    lines = read_lines(file)
    if not lines:
        raise DataError(file, "holds no class", "write one name a line")
    if "" in lines:
        where = f"line {lines.index('') + 1}"
        raise DataError(file, f"{where} is blank", "write one name a line, in the scores' order")
    found = [_SYNSET.fullmatch(line) for line in lines]
    synsets = [match for match in found if match is not None]
    if not synsets:
        _refuse_twice(file, lines)
        return ClassList(tuple(lines))
    if len(synsets) < len(lines):
        number = found.index(None)
        what = f"line {number + 1} ({lines[number]!r}) has no WordNet id, others begin with one"
        raise DataError(file, what, "give every line an id, as n01440764, or none")
    ids = [match[1] for match in synsets]
    _refuse_twice(file, ids)
    first = [(match[2] or match[1]).split(",")[0].strip() or match[1] for match in synsets]
    count = Counter(first)
    names = (n if count[n] == 1 else f"{n} ({id})" for n, id in zip(first, ids, strict=True))
    return ClassList(tuple(names), tuple(ids))


def _refuse_twice(file: Path, entries: list[str]) -> None:
    twice = next((entry for entry, count in Counter(entries).items() if count > 1), None)
    if twice is not None:
        numbers = [str(n) for n, entry in enumerate(entries, start=1) if entry == twice]
        what = f"{twice!r} stands in lines {' and '.join(numbers)}"
        raise DataError(file, what, "give every class a name of its own")
