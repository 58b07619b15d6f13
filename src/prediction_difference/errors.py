"""What can be wrong with a user's input; the command line shows these without a traceback."""

import difflib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the file, key or subject, what is wrong with it, how to mend it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"

    def below(self, place: str) -> "Problem":
        """The same problem where `where` is counted from a place further up."""
        where = ".".join(part for part in (place, self.where) if part)
        return Problem(where, self.what, self.remedy)


def choose(wrong: str, known: Iterable[str]) -> str:
    """The remedy for a name that is unknown: the nearest known one, or all of them."""
    names = sorted(known)
    near = _nearest(wrong, names)
    return f"did you mean {near!r}?" if near else f"choose one of {', '.join(names)}"


def choose_among(wrong: str, few: Iterable[str]) -> str:
    """The remedy for a choice among few: the nearest one if there is one, and all of them."""
    names = list(few)
    near, every = _nearest(wrong, names), ", ".join(names)
    return f"did you mean {near!r}? choices are {every}" if near else f"choose one of {every}"


def nearest(wrong: str, known: tuple[str, ...]) -> str:
    """The remedy for a name among many: the nearest one, or the first few."""
    near = difflib.get_close_matches(wrong, known, n=1)
    few = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return f"did you mean {near[0]!r}?" if near else f"there are {few or 'none'}"


def _nearest(wrong: str, names: list[str]) -> str | None:
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    return near[0] if near else None


class PredictionDifferenceError(Exception):
    """Base of every error that a user can mend."""


class ConfigError(PredictionDifferenceError):
    """Problems of a configuration and of what it names, all of them at once."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        super().__init__("\n".join([f"{heading} found:", *(f"  - {p}" for p in self.problems)]))


class EntryError(ValueError):
    """Problems of one entry of a configuration, whose places are counted from the entry."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(PredictionDifferenceError):
    """An input file, image, subject or weights file that cannot be used."""

    def __init__(self, where: object, what: str, remedy: str):
        self.problem = Problem(str(where), what, remedy)
        super().__init__(str(self.problem))


class StoreError(DataError):
    """A store that is incomplete, missing, or made by something else than what reads it."""


@contextmanager
def telling_faults(concept: str, word: str, method: str) -> Iterator[None]:
    """A fault inside of a user's own class, whose word is `module:Class`, is told with its name.

    concept: the class in words, such as "measure a:B". method: the one that is called.

    Raises:
        DataError: the method of a user's own class fails.
    """
    try:
        yield
    except (PredictionDifferenceError, MemoryError):
        raise
    except Exception as error:
        if ":" not in word:
            raise
        what = f"fails ({type(error).__name__}: {error})"
        raise DataError(concept, what, f"mend its {method}") from error


BROUGHT: set[str] = set()
"""Modules that a user brought along, as a registry imported them."""


@contextmanager
def telling_slips() -> Iterator[None]:
    """An exception that comes from a module that a user brought along is told by its line.

    Raises:
        ConfigError: the module's file, the line, and what was raised there.
    """
    try:
        yield
    except PredictionDifferenceError:
        raise
    except Exception as error:
        steps = traceback.walk_tb(error.__traceback__)
        own = [(f.f_code, line) for f, line in steps if f.f_globals.get("__name__") in BROUGHT]
        if not own:
            raise
        code, line = own[-1]
        what = f"{code.co_qualname} fails ({type(error).__name__}: {error})"
        slip = Problem(f"{code.co_filename}, line {line}", what, "mend it")
        raise ConfigError([slip]) from error
