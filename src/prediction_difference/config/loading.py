"""From YAML to a checked `Config`; every problem is found and all are told at once."""

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from prediction_difference.config.classifiers import with_datasets
from prediction_difference.config.crosschecks import crosscheck
from prediction_difference.config.datasets import DATASET_TAGS
from prediction_difference.config.figures import NODE_NAME_TAGS, PANEL_TAGS, SLICE_TAGS
from prediction_difference.config.model import Config, Name, Run, Section
from prediction_difference.config.nodes import NODE_TAGS
from prediction_difference.config.settings import with_setting
from prediction_difference.config.shapes import Shapes
from prediction_difference.errors import ConfigError, Problem, choose, choose_among

_TAGS = ("source", "kind", "method", "measure")
_INNER_TAGS = (
    "counts",
    "names",
    *DATASET_TAGS,
    *NODE_TAGS,
    *PANEL_TAGS,
    *NODE_NAME_TAGS,
    *SLICE_TAGS,
)


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
            references between sections that do not fit.
    """
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
    problems += [_unknown_key((), str(key), known) for key in raw if key not in known]
    parts: dict[str, Any] = {}
    declared: dict[str, set[str]] = {}
    for section in known:
        if section == "run":
            parts["run"], found = _parse_entry(("run",), Run, raw.get("run") or {})
        else:
            parts[section], found = _parse_section(section, raw.get(section) or {})
            entries = raw.get(section)
            declared[section] = _texts(entries) if isinstance(entries, Mapping) else set()
        problems += found
    parts["classifiers"] = with_datasets(parts["classifiers"])
    if not declared["datasets"]:
        problems.append(Problem("datasets", "there is none", "describe at least one dataset"))
    return parts, problems + crosscheck(parts, declared, look(parts))


def _texts(names: Iterable[Any]) -> set[str]:
    return {name for name in names if isinstance(name, str)}


def _parse_section(section: str, raw: Any) -> tuple[dict[str, Any], list[Problem]]:
    if not isinstance(raw, Mapping):
        return {}, [Problem(section, "not a mapping", "write name: settings below it")]
    entry_type = typing.get_args(Config.model_fields[section].annotation)[1]
    entries: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, settings in raw.items():
        found = _check_name(section, name)
        entry, wrong = _parse_entry((section, str(name)), entry_type, settings)
        problems += found + wrong
        if entry is not None and not found:
            entries[name] = entry
    return entries, problems


def _check_name(section: str, name: Any) -> list[Problem]:
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        return [
            Problem(
                f"{section}.{name}",
                "this name cannot be a file name",
                "use letters, digits, dots, dashes and underscores",
            )
        ]
    return []


def _parse_entry(
    place: tuple[str, ...], entry_type: Any, raw: Any
) -> tuple[Any | None, list[Problem]]:
    try:
        return TypeAdapter(entry_type).validate_python(raw), []
    except ValidationError as error:
        return None, [_problem(place, entry_type, details) for details in error.errors()]


def _problem(place: tuple[str, ...], entry_type: Any, details: ErrorDetails) -> Problem:
    """Say one of pydantic's findings in the words of a user's file."""
    location = _without_markers(entry_type, details["loc"])
    where = ".".join(str(part) for part in (*place, *location))
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            keys = _known_keys(entry_type, details["loc"][:-1])
            return _unknown_key((*place, *location[:-1]), str(location[-1]), keys)
        case "union_tag_invalid":
            known = [tag.strip("' ") for tag in context["expected_tags"].split(",")]
            key = context["discriminator"].strip("'")
            return Problem(
                f"{where}.{key}", f"{context['tag']!r} is unknown", choose(context["tag"], known)
            )
        case "union_tag_not_found":
            key = context["discriminator"].strip("'")
            return Problem(where, f"the key {key} is missing", "add it")
        case "missing":
            return Problem(where, "this key is missing", "add it")
        case "literal_error":
            known = [
                part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(",")
            ]
            wrong = details["input"]
            return Problem(where, f"{wrong!r} is unknown", choose_among(str(wrong), known))
        case "value_error":
            what, _, remedy = str(context["error"]).partition("; ")
            return Problem(where, what, remedy or "correct it")
        case _:
            return Problem(where, f"{details['input']!r}: {details['msg']}", "correct the value")


def _unknown_key(place: Iterable[Any], key: str, known: Iterable[str]) -> Problem:
    where = ".".join(str(part) for part in (*place, key))
    return Problem(where, "this key is unknown", choose(key, known))


def _without_markers(entry_type: Any, location: tuple[Any, ...]) -> tuple[Any, ...]:
    """The user's keys in a location of pydantic's, which also holds the tags of unions."""
    start = 1 if location and location[0] in _entry_tags(entry_type) else 0
    return tuple(part for part in location[start:] if part not in _INNER_TAGS)


def _entry_tags(entry_type: Any) -> set[str]:
    """Those of one section only: a key of another one may have the name of a tag."""
    return {tag for section in sections_in(entry_type) for tag in _tag_of(section)}


def _tag_of(section: type[Section]) -> tuple[Any, ...]:
    for name in _TAGS:
        if name in section.model_fields:
            return typing.get_args(section.model_fields[name].annotation)
    return ()


def _known_keys(entry_type: Any, location: tuple[Any, ...]) -> set[str]:
    """Keys that are allowed at a place of pydantic's, found by walking the model along it."""
    sections = sections_in(entry_type)
    if location and location[0] in _entry_tags(entry_type):
        sections = [s for s in sections if location[0] in _tag_of(s)]
    for part in _without_markers(entry_type, location):
        fields = [s.model_fields[part] for s in sections if part in s.model_fields]
        # Other parts are numbers in a list and keys of a mapping.
        if fields:
            sections = [s for field in fields for s in sections_in(field.annotation)]
    return {key for section in sections for key in section.model_fields}


def sections_in(annotation: Any) -> list[type[Section]]:
    """The configuration models inside a type such as `dict[str, A | B] | None`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, Section) else []
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is Annotated:
        arguments = arguments[:1]
    return [section for argument in arguments for section in sections_in(argument)]
