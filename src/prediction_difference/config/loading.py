"""From YAML to a checked `Config`; every problem is found and all are told at once."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from prediction_difference.config.settings import with_setting
from prediction_difference.errors import ConfigError, EntryError, Problem, choose, telling_slips
from prediction_difference.lookup import Lookup, Shapes
from prediction_difference.parsing import is_valid, parse
from prediction_difference.run import SECTIONS, Config, Run
from prediction_difference.settings import Name


def read_config(path: Path) -> Config:
    """Read a YAML file into a checked `Config`.

    Raises:
        ConfigError: the file is missing, is no YAML, or has problems; all of them are listed.
    """
    raw = read_yaml(path)
    if not isinstance(raw, Mapping):
        raise ConfigError([Problem(str(path), "holds no settings", "write key: value lines")])
    return parse_config(raw)


def read_yaml(path: Path) -> Any:
    """What a YAML file holds.

    Raises:
        ConfigError: the file is missing or is no YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError([Problem(str(path), reason, "correct the path")]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError([Problem(str(path), f"not YAML: {reason}", "correct it")]) from error


def parse_config(raw: Any) -> Config:
    """Check a mapping, as read from YAML, and return it as a `Config`.

    Raises:
        ConfigError: lists the unknown keys (with the nearest known one), wrong values and
            references between sections that do not fit; or the slip in a user's own module.
    """
    with telling_slips():
        parts, problems = inspect_config(raw)
    if problems:
        raise ConfigError(problems)
    return Config(**parts)


def inspect_config(
    raw: Any, look: Callable[[dict[str, Any]], Shapes] = lambda parts: {}
) -> tuple[dict[str, Any], list[Problem]]:
    """The parts of a configuration that are right by themselves, and all of its problems.

    The parts are `run`, if it is right, and for every other section its right entries by name; of
    a configuration with several settings, those of the chosen one. look: from the parts to what
    files tell of the shapes of datasets.
    """
    if not isinstance(raw, Mapping):
        return {}, [Problem("config", "not a mapping", "write key: value lines")]
    known = Config.model_fields
    raw, problems = with_setting(raw)
    problems += [_unknown_key(str(key), known) for key in raw if key not in known]
    parts: dict[str, Any] = {}
    declared: dict[str, set[str]] = {}
    for section in known:
        if section == "run":
            read = partial(parse, Run)
            parts["run"], found = _parse_entry("run", read, raw.get("run") or {})
        else:
            parts[section], found = _parse_section(section, raw.get(section) or {})
            entries = raw.get(section)
            declared[section] = _texts(entries) if isinstance(entries, Mapping) else set()
        problems += found
    classifiers = parts["classifiers"]
    parts["classifiers"] = {n: one.completed(classifiers) for n, one in classifiers.items()}
    if not declared["datasets"]:
        problems.append(Problem("datasets", "there is none", "describe at least one dataset"))
    return parts, problems + _crosscheck(Lookup(parts, declared, look(parts)))


def _crosscheck(lookup: Lookup) -> list[Problem]:
    """What only the whole configuration shows to be wrong with its entries."""
    return [
        problem
        for section in SECTIONS
        for name, entry in lookup.sections[section].items()
        for problem in entry.problems(f"{section}.{name}", lookup)
    ]


def _texts(names: Iterable[Any]) -> set[str]:
    return {name for name in names if isinstance(name, str)}


def _parse_section(section: str, raw: Any) -> tuple[dict[str, Any], list[Problem]]:
    if not isinstance(raw, Mapping):
        return {}, [Problem(section, "not a mapping", "write name: settings below it")]
    entries: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, settings in raw.items():
        found = _check_name(section, name)
        entry, wrong = _parse_entry(f"{section}.{name}", SECTIONS[section].read, settings)
        problems += found + wrong
        if entry is not None and not found:
            entries[name] = entry
    return entries, problems


def _check_name(section: str, name: Any) -> list[Problem]:
    if is_valid(Name, name):
        return []
    remedy = "use letters, digits, dots, dashes and underscores"
    return [Problem(f"{section}.{name}", "this name cannot be a file name", remedy)]


def _parse_entry(
    place: str, read: Callable[[Any], Any], raw: Any
) -> tuple[Any | None, list[Problem]]:
    try:
        return read(raw), []
    except EntryError as error:
        return None, [problem.below(place) for problem in error.problems]


def _unknown_key(key: str, known: Iterable[str]) -> Problem:
    return Problem(key, "this key is unknown", choose(key, known))
