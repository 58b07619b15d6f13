"""From a mapping to checked settings: what pydantic finds, in the words of a user's file."""

import typing
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from prediction_difference.errors import EntryError, Problem, choose, choose_among
from prediction_difference.settings import Section

WORDS_OF_BOUNDS = {
    "ge": ("is less than {}", "set it to {} or more"),
    "gt": ("is not above {}", "set it above {}"),
    "le": ("is more than {}", "set it to {} or less"),
    "lt": ("is not below {}", "set it below {}"),
}
"""By pydantic's names: what is said of a value that is not within the bound, and how to mend it."""
_BOUNDS = {
    "greater_than_equal": "ge",
    "greater_than": "gt",
    "less_than_equal": "le",
    "less_than": "lt",
}
"""Names of bounds by pydantic's names of errors."""
_WORDS_OF_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}
"""What is wanted, by how pydantic's names of errors begin."""
_OTHER_KIND = ("type", "parsing", "from_float", "number")
"""How these names go on where a value is of another kind, or a number is not finite."""


def parse(model: type[Section], raw: Any) -> Section:
    """Check a mapping against a model of settings.

    Raises:
        EntryError: lists the unknown keys, each with the nearest known one, and the wrong values.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise EntryError(problems_of(model, error)) from error


def problems_of(model: type[Section], error: ValidationError) -> list[Problem]:
    """What pydantic found wrong with the settings of a model, counted from these settings."""
    return [one for details in error.errors() for one in _problems(model, details)]


def is_valid(annotation: Any, value: Any) -> bool:
    """Whether a value is what an annotation allows."""
    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True


def sections_in(annotation: Any) -> list[type[Section]]:
    """The models of settings inside a type such as `dict[str, A | B] | None`."""
    if isinstance(annotation, type) and not typing.get_origin(annotation):
        return [annotation] if issubclass(annotation, Section) else []
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is Annotated:
        brought = [s for part in arguments[1:] for s in getattr(part, "sections", list)()]
        return [*brought, *sections_in(arguments[0])]
    return [section for argument in arguments for section in sections_in(argument)]


def sections_of(field: Any) -> list[type[Section]]:
    """The models of settings that the value of a field of a model may be, or hold."""
    brought = [s for part in field.metadata for s in getattr(part, "sections", list)()]
    return [*brought, *sections_in(field.annotation)]


def _problems(model: type[Section], details: ErrorDetails) -> Iterator[Problem]:
    place = _without_tags(model, details["loc"])
    where = ".".join(str(part) for part in place)
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            key, sections = str(place[-1]), _sections_at(model, place[:-1])
            moved = [section.moved[key] for section in sections if key in section.moved]
            keys = {name for section in sections for name in section.model_fields}
            remedy = moved[0] if moved else choose(key, keys)
            yield Problem(where, "this key is unknown", remedy)
        case "missing":
            yield Problem(where, "this key is missing", "add it")
        case "literal_error":
            known = [
                part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(",")
            ]
            wrong = details["input"]
            yield Problem(where, f"{wrong!r} is unknown", choose_among(str(wrong), known))
        case "value_error" if isinstance(context["error"], EntryError):
            yield from (problem.below(where) for problem in context["error"].problems)
        case "value_error":
            what, _, remedy = str(context["error"]).partition("; ")
            yield Problem(where, what, remedy or "correct it")
        case kind if kind in _BOUNDS:
            name = _BOUNDS[kind]
            bound, (what, remedy) = context[name], WORDS_OF_BOUNDS[name]
            yield Problem(where, f"{details['input']!r} {what.format(bound)}", remedy.format(bound))
        case kind if wanted := _wanted(kind):
            yield Problem(where, _said(details["input"]), f"give {wanted}")
        case _:
            yield Problem(where, f"{details['input']!r}: {details['msg']}", "correct the value")


def _wanted(kind: str) -> str | None:
    """What is wanted where a value is of another kind; None for other errors of pydantic's."""
    which, _, why = kind.partition("_")
    return _WORDS_OF_KINDS.get(which) if why in _OTHER_KIND else None


def _said(value: Any) -> str:
    """A value of another kind than what is wanted, and its own kind."""
    if value is None:
        return "null is no value"
    kinds = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
    kinds |= {list: "a list", dict: "a mapping"}
    return f"{value!r} is {kinds.get(type(value), f'of type {type(value).__name__}')}"


def _without_tags(model: type[Section], location: Iterable[Any]) -> tuple[Any, ...]:
    """The user's keys in a location of pydantic's, which also holds the tags of unions."""
    tags = _tags_of(model)
    return tuple(part for part in location if part not in tags)


def _tags_of(model: type[Section]) -> set[str]:
    """Tags of the unions in a model and in the models that it holds."""
    found: set[str] = set()
    for field in model.model_fields.values():
        found |= _tags_in(field.annotation)
        for section in sections_of(field):
            found |= _tags_of(section)
    return found


def _tags_in(annotation: Any) -> set[str]:
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is Annotated:
        own = {part.tag for part in arguments[1:] if isinstance(part, Tag)}
        return own | _tags_in(arguments[0])
    return {tag for argument in arguments for tag in _tags_in(argument)}


def _sections_at(model: type[Section], place: Iterable[Any]) -> list[type[Section]]:
    """The models of settings that may stand at a place, found by walking the model along it."""
    sections = [model]
    for part in place:
        fields = [s.model_fields[part] for s in sections if part in s.model_fields]
        # Other parts are numbers in a list and keys of a mapping.
        if fields:
            sections = [s for field in fields for s in sections_of(field)]
    return sections
