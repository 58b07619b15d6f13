"""Families of concepts: what a configuration chooses by a word, each a class of its own.

A concept is found because its module lies in the folder of its family, or because a configuration
names it as `package.module:Class`. Modules are imported when one of their words is asked for.
"""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, PydanticUndefinedAnnotation
from pydantic_core import CoreSchema, core_schema

from prediction_difference.errors import BROUGHT, EntryError, Problem, choose
from prediction_difference.parsing import parse
from prediction_difference.settings import Concept, Section


@dataclass(frozen=True)
class Family:
    """Classes of one protocol, of which a configuration chooses one by the value of a key.

    package: its modules hold a class each. protocol: `module:Class`, which all of them extend.
    is_short: whether the word alone stands for the mapping that has no other key.
    """

    key: str
    package: str
    protocol: str
    is_short: bool = False

    def read(self, raw: Any) -> Any:
        """The settings of the concept that a mapping chooses; settings are returned as they are.

        Raises:
            EntryError: lists all that is wrong with the mapping.
        """
        if isinstance(raw, Section):
            return raw
        if self.is_short and isinstance(raw, str):
            return self.read({self.key: raw})
        if not isinstance(raw, Mapping):
            raise EntryError([Problem("", f"{raw!r} is no mapping", "write key: value lines")])
        if self.key not in raw:
            default = self._default()
            if default is None:
                raise EntryError([Problem("", f"the key {self.key} is missing", "add it")])
            return parse(default, raw)
        return parse(self.find(raw[self.key]), raw)

    def written(self, concept: Concept) -> Any:
        """Settings as a configuration has them: a mapping, or the word alone."""
        mapping = concept.model_dump(mode="json")
        return mapping[self.key] if self.is_short and len(mapping) == 1 else mapping

    def find(self, word: Any) -> type[Concept]:
        """The class that a word, or `package.module:Class`, stands for.

        Raises:
            EntryError: there is none, or it does not keep to the protocol.
        """
        if isinstance(word, str) and ":" in word:
            return self._brought(word)
        file = str(word).replace("-", "_")
        here = self._in(file) if file in self._files() else {}
        found = here.get(word) or self.classes().get(word)
        if found is None:
            remedy = choose(str(word), self.classes())
            raise EntryError([Problem(self.key, f"{word!r} is unknown", remedy)])
        return found

    def classes(self) -> dict[str, type[Concept]]:
        """All classes of the package by their words; a class may have several."""
        return {word: one for file in self._files() for word, one in self._in(file).items()}

    def sections(self) -> list[type[Concept]]:
        """All classes of the package, each once."""
        return list(dict.fromkeys(self.classes().values()))

    def _files(self) -> list[str]:
        return _files_in(self.package)

    def _in(self, file: str) -> dict[str, type[Concept]]:
        module = importlib.import_module(f"{self.package}.{file}")
        return {word: one for one in _own_classes(module) for word in one.words()}

    def _default(self) -> type[Concept] | None:
        """The class that is meant where a mapping names none."""
        choices = self.sections()
        return next((c for c in choices if not c.model_fields[self.key].is_required()), None)

    def _brought(self, word: str) -> type[Concept]:
        """A class of the user's own."""
        module_name, _, name = word.partition(":")
        try:
            module = _imported(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise EntryError([self._fault(word, error)]) from error
            what = f"there is no module {module_name!r}"
            remedy = "correct the name, or put its folder on PYTHONPATH"
            raise EntryError([Problem(self.key, f"{word}: {what}", remedy)]) from error
        except Exception as error:
            raise EntryError([self._fault(word, error)]) from error
        found = getattr(module, name, None)
        if found is None:
            names = [n for n, _ in inspect.getmembers(module, inspect.isclass)]
            what = f"{word}: the module has no {name!r}"
            raise EntryError([Problem(self.key, what, choose(name, names))])
        problems = [
            Problem(self.key, f"{word} {what}", remedy) for what, remedy in self._doubts(found)
        ]
        if problems:
            raise EntryError(problems)
        concept: type[Concept] = found
        return concept

    def _doubts(self, found: Any) -> Iterator[tuple[str, str]]:
        """What is wrong with a class of the user's own, and how to mend it."""
        home, _, protocol = self.protocol.partition(":")
        base = getattr(importlib.import_module(home), protocol)
        if not (isinstance(found, type) and issubclass(found, base)):
            yield f"is no {protocol}", f"let it extend {home}.{protocol}"
            return
        concept: type[Concept] = found
        if missing := sorted(getattr(concept, "__abstractmethods__", ())):
            yield f"has no {', '.join(missing)}", f"add what {protocol} asks for"
        if words := concept.words():
            yield f"has words of its own, {' and '.join(words)}", f"remove the field {self.key}"
        try:
            concept.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            what = f"has a field of an unknown type ({error.name})"
            yield what, "import the type where the program runs"

    def _fault(self, word: str, error: Exception) -> Problem:
        reason = " ".join(str(error).split())
        what = f"{word} cannot be imported ({type(error).__name__}: {reason})"
        return Problem(self.key, what, "mend the module")


@dataclass(frozen=True)
class OneOf:
    """Annotation of a field whose value is the settings of a concept of a family."""

    family: Family

    def sections(self) -> list[type[Concept]]:
        """All models that the value may have."""
        return self.family.sections()

    @property
    def in_words(self) -> str:
        """What a user may write."""
        return " | ".join([*self.family.classes(), "module:Class"])

    def written(self, concept: Concept) -> Any:
        """The value as a configuration has it."""
        return self.family.written(concept)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.family.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.family.written),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        choices = [handler(one.__pydantic_core_schema__) for one in self.sections()]
        brought = {"type": "string", "pattern": r"^[\w.]+:\w+$"}
        key = self.family.key
        own = {"type": "object", "properties": {key: brought}, "required": [key]}
        if not self.family.is_short:
            return {"anyOf": [*choices, own]}
        words = {"enum": list(self.family.classes())}
        return {"anyOf": [words, brought, *choices, own]}


def _imported(name: str) -> ModuleType:
    """A module of the user's, which may lie in the folder where the program was started."""
    BROUGHT.add(name)
    here = str(Path.cwd())
    if here not in sys.path:
        # At the end, so that it hides nothing.
        sys.path.append(here)
        importlib.invalidate_caches()
    return importlib.import_module(name)


def _own_classes(module: ModuleType) -> list[type[Concept]]:
    classes = (one for _, one in inspect.getmembers(module, inspect.isclass))
    return [c for c in classes if issubclass(c, Concept) and c.__module__ == module.__name__]


@cache
def _files_in(package: str) -> list[str]:
    paths = importlib.import_module(package).__path__
    return sorted(module.name for module in pkgutil.iter_modules(paths))
