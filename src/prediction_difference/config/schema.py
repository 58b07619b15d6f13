"""The JSON schema of the configuration, and its reference as text, both from the model."""

import json
import typing
from typing import Any

from prediction_difference.config.settings import SETTING, SETTINGS
from prediction_difference.parsing import sections_of
from prediction_difference.run import Config
from prediction_difference.settings import Section


def json_schema() -> dict[str, Any]:
    """JSON schema for editors and for `snakemake.utils.validate`."""
    schema = Config.model_json_schema()
    parts = {"type": "object", "additionalProperties": {"type": "object"}}
    schema["properties"] |= {SETTINGS: parts, SETTING: {"type": "string"}}
    # What is required may stand in the settings alone.
    required = schema.pop("required")
    schema["anyOf"] = [{"required": required}, {"required": [SETTINGS]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The schema as it stands in workflow/schemas/config.schema.json."""
    return json.dumps(json_schema(), indent=2) + "\n"


def reference_text() -> str:
    """The reference of all keys, as it stands in docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Written from the model by `prediction-difference reference`. A file has the sections",
        f"{', '.join(f'`{name}`' for name in Config.model_fields)}; all but `run` hold entries by",
        "name, and entries refer to each other by these names. Unknown keys are refused.",
        "",
        f"Beside them, `{SETTINGS}` may hold several variants by name, each with sections that are",
        f"laid over the others, and `{SETTING}` says which one is taken; else it is the first.",
        "Mappings are merged, everything else is replaced. In paths, `~` and environment variables",
        "such as `$PDA_DATA` are filled in.",
    ]
    nested: dict[str, type[Section]] = {}
    for name, field in Config.model_fields.items():
        lines += ["", f"## {name}"]
        for section in sections_of(field):
            lines += ["", f"### {_heading(section)}", "", _summary(section), "", *_table(section)]
            nested |= {s.__name__: s for s in _nested(section)}
    lines += ["", "## Parts"]
    for title, section in nested.items():
        lines += ["", f"### {title}", "", _summary(section), "", *_table(section)]
    return "\n".join(lines) + "\n"


def _heading(section: type[Section]) -> str:
    """The key and value that choose this kind of entry, such as `source: mnist`."""
    for key, field in section.model_fields.items():
        if typing.get_origin(field.annotation) is typing.Literal and field.is_required():
            values = typing.get_args(field.annotation)
            return f"`{key}: {' | '.join(values)}`"
    return section.__name__


def _summary(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]


def _nested(section: type[Section]) -> list[type[Section]]:
    return [s for f in section.model_fields.values() for s in sections_of(f)]


def _table(section: type[Section]) -> list[str]:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, field in section.model_fields.items():
        default = "required" if field.is_required() else f"`{_shown(field)}`"
        brought = [part.in_words for part in field.metadata if hasattr(part, "in_words")]
        kind = (*brought, _type_text(field.annotation))[0].replace("|", "\\|")
        rows.append(f"| `{key}` | {kind} | {default} | {field.description or ''} |")
    return rows


def _shown(field: Any) -> str:
    default = field.get_default(call_default_factory=True)
    written = [part.written for part in field.metadata if hasattr(part, "written")]
    if written:
        return json.dumps(written[0](default))
    dumped = default.model_dump(mode="json") if isinstance(default, Section) else default
    if isinstance(dumped, tuple) and any(isinstance(part, Section) for part in dumped):
        dumped = [part.model_dump(mode="json") for part in dumped]
    return json.dumps(dumped, default=str)


def _type_text(annotation: Any) -> str:
    """A type in a user's words: `int`, `text`, `a | b`, `list of int`, the name of a part."""
    words = {str: "text", type(None): "null", int: "int", float: "number", bool: "true | false"}
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " | ".join(str(value) for value in arguments)
    if origin is typing.Annotated:
        return _type_text(arguments[0])
    if origin is tuple:
        return f"list of {_type_text(arguments[0])}"
    if origin is dict:
        return f"by name: {_type_text(arguments[1])}"
    if arguments:
        return " | ".join(dict.fromkeys(_type_text(argument) for argument in arguments))
    return words.get(
        annotation, getattr(annotation, "__name__", str(annotation)).replace("Path", "path")
    )
