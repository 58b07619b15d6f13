"""What all parts of the configuration have in common."""

import os.path
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
"""Names become file names, so they hold letters, digits, dots, dashes and underscores only."""


_VARIABLE = r"\$(\w+|\{\w+\})"


def _expanded(path: object) -> object:
    if not isinstance(path, str | Path):
        return path
    text = os.path.expandvars(str(path))
    if unset := re.search(_VARIABLE, text):
        name = unset[1].strip("{}")
        raise ValueError(f"the environment variable {name} is not set; set it, or write the path")
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise ValueError(f"{text} begins with nobody's home folder; write the path") from None


UserPath = Annotated[Path, BeforeValidator(_expanded)]
"""A file or folder of the user's: `~` and environment variables, such as $PDA_DATA, stand in it."""
PathOrName = Annotated[str, BeforeValidator(_expanded)]
"""A path as above, or the name of something that is no file."""


def variables_in(raw: object) -> set[str]:
    """Environment variables that stand in the texts of a configuration; HOME for a leading `~`."""
    match raw:
        case str():
            home = {"HOME"} if raw.startswith("~") else set()
            return home | {name.strip("{}") for name in re.findall(_VARIABLE, raw)}
        case Mapping():
            return {name for value in raw.values() for name in variables_in(value)}
        case list() | tuple():
            return {name for value in raw for name in variables_in(value)}
        case _:
            return set()


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    said_only: ClassVar[frozenset[str]] = frozenset()
    """Keys that change what pages and figures say, and nothing that is computed."""
    moved: ClassVar[Mapping[str, str]] = {}
    """Keys of earlier versions, each with what is to be written in its place."""

    @property
    def content(self) -> dict[str, Any]:
        """The settings that results depend on, JSON-like."""
        return self.model_dump(mode="json", exclude=set(self.said_only))


class Concept(Section):
    """What a configuration chooses by a word; the base of every family's protocol."""

    chosen_by: ClassVar[str] = ""
    """The key whose value is the word."""

    @property
    def modules_named(self) -> tuple[str, ...]:
        """Modules whose functions the settings name, beside the one of their class."""
        return ()

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """The words by which the class is chosen; none for what classes share."""
        field = cls.model_fields.get(cls.chosen_by)
        if field is None or typing.get_origin(field.annotation) is not Literal:
            return ()
        return typing.get_args(field.annotation)

    @classmethod
    def word(cls) -> str:
        """The first of these words."""
        return cls.words()[0]
