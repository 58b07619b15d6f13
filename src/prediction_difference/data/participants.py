"""participants.tsv: who belongs to a cohort, and what is known of each."""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prediction_difference.data.sources.nifti_cohort import NiftiCohort
from prediction_difference.errors import DataError, Problem

TABLE = "participants.tsv"
ID = "participant_id"
MISSING = ("", "n/a")
"""What BIDS tables hold where a value is missing."""


@dataclass(frozen=True)
class Participant:
    """A row of participants.tsv: label is None where it is missing; columns: its other texts."""

    id: str
    label: str | None
    columns: Mapping[str, str | None] = field(default_factory=dict)


def read_table(settings: NiftiCohort, where: str) -> tuple[Participant, ...]:
    """The rows of participants.tsv.

    Raises:
        DataError: there is no such folder or table, or it has no such columns, or no rows.
    """
    file = settings.root / TABLE
    if not settings.root.is_dir():
        raise DataError(f"{where}.root", f"{settings.root} is no folder", "correct the path")
    if not file.is_file():
        remedy = f"write one with the columns {ID} and {settings.label}, separated by tabs"
        raise DataError(file, "there is no such file", remedy)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines, delimiter="\t")
            rows = [row for row in table if any(row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(file, f"cannot be read ({error})", "save it as UTF-8 text") from error
    _refuse_missing_columns(file, table.fieldnames or (), settings.label)
    if not rows:
        raise DataError(file, "lists no participants", "add a row for each of them")
    return tuple(
        Participant(
            _cell(row, ID) or "",
            _cell(row, settings.label),
            {column: _cell(row, column) for column in table.fieldnames or () if column != ID},
        )
        for row in rows
    )


def columns_of(participants: Sequence[Participant]) -> dict[str, tuple[str | float | None, ...]]:
    """What the table says of each participant, column by column, None where a value is missing.

    A column is of numbers where all its values are.
    """
    names = dict.fromkeys(name for participant in participants for name in participant.columns)
    return {name: _typed([p.columns.get(name) for p in participants]) for name in names}


def _typed(texts: Sequence[str | None]) -> tuple[str | float | None, ...]:
    try:
        numbers = tuple(None if text is None else float(text) for text in texts)
    except ValueError:
        return tuple(texts)
    # A number that JSON cannot hold is no measurement.
    return numbers if all(n is None or math.isfinite(n) for n in numbers) else tuple(texts)


def _refuse_missing_columns(file: Path, columns: Iterable[str], label: str) -> None:
    columns = tuple(columns)
    missing = [column for column in (ID, label) if column not in columns]
    if missing:
        there = ", ".join(repr(column) for column in columns) or "none"
        raise DataError(
            file,
            f"has no column {' and no column '.join(repr(column) for column in missing)}",
            f"its columns are {there}: rename one, correct the key label, or separate by tabs",
        )


def _cell(row: Mapping[str, str | None], column: str) -> str | None:
    text = (row.get(column) or "").strip()
    return None if text.lower() in MISSING else text


def participant_problems(participants: Sequence[Participant], table: Path) -> Iterator[Problem]:
    """Rows without an id or a class, and ids that are listed twice or lead to other folders."""
    counts = Counter(participant.id for participant in participants)
    for id, count in counts.items():
        where = f"{table}: {id}" if id else str(table)
        if not id:
            yield Problem(where, f"{count} row(s) have no {ID}", "fill them in, or remove the rows")
        elif not is_safe(id):
            yield Problem(
                where, f"{ID} {id!r} leads to another folder", "use a name without / \\ and .."
            )
        if id and count > 1:
            yield Problem(where, f"is listed {count} times", "keep one row per participant")
    for participant in participants:
        if participant.label is None:
            yield Problem(
                f"{table}: {participant.id or 'row without id'}",
                "has no class (empty or n/a)",
                "fill it in, or remove the row",
            )


def is_safe(id: str) -> bool:
    """Whether it can be part of a path without leading elsewhere."""
    return bool(id) and not any(part in id for part in ("/", "\\", "..", "\0"))


def class_problems(
    participants: Sequence[Participant], settings: NiftiCohort, where: str
) -> Iterator[Problem]:
    """A single class, and classes with fewer participants than parts."""
    counts = Counter(p.label for p in participants if p.label is not None)
    if len(counts) == 1:
        (label,) = counts
        yield Problem(
            f"{where}.label",
            f"every participant is of class {label!r} in column {settings.label!r}",
            "add participants of another class, or name another column",
        )
    asked = "folds" if settings.folds is not None else "test_fraction"
    parts = settings.folds or (1 if settings.test_fraction is None else 2)
    for label, count in sorted(counts.items()):
        if count < parts:
            remedy = f"set folds to at most {count}, or add" if count > 1 else "add"
            yield Problem(
                f"{where}.{asked}",
                f"class {label!r} has {count} participant(s), but needs {parts}",
                f"{remedy} participants of this class",
            )
