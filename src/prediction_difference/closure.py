"""Which code a result depends on: all that a module imports, read as syntax trees.

What does not run does not count: comments, docstrings, blank lines, imports for type checkers, and
modules that are not reached. Only imports that are written out are seen; what is imported by a name
that a program puts together, such as a concept that a configuration chooses, is asked for apart.
"""

import ast
import importlib.util
import json
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from prediction_difference.errors import StoreError
from prediction_difference.files import digest, write_text

_PACKAGE = "prediction_difference"
_FILES_READ = "FILES_READ"
"""By a constant of this name a module tells which other files it reads: patterns, from its folder.

Such files count by their bytes.
"""
_STANDARD = Path(sysconfig.get_path("stdlib"))
_INSTALLED = {"site-packages", "dist-packages"}
_UNTOLD = ("ctx", "kind", "type_ignores")
"""Fields of syntax trees that follow from the others, or say how something was written."""
_LOOKED_AT = (ast.Pass, ast.Expr, ast.If, ast.Import, ast.ImportFrom, ast.Attribute, ast.Assign)


def imports_of(module: str) -> tuple[str, ...]:
    """The modules that a module imports, wherever in its file, and the packages they lie in."""
    return _code().imports_of(module)


def closure(*modules: str) -> tuple[str, ...]:
    """Modules, and all that they reach by imports: of this package, or of the user's own code.

    Of the user's own code also the installed packages that it imports, by their first names.
    """
    return _code().closure(*modules)


def code_digest(*modules: str) -> str:
    """Digest of the code that modules run; of installed packages their versions."""
    return _code().digest(*modules)


@cache
def _code() -> "Code":
    """The code as this process runs it."""
    return Code(Path(__file__).parent)


@dataclass(frozen=True)
class _Text:
    """What a file says.

    tree: digest of what runs. imports: modules, and the name that is taken from each, or "".
    lazily: names that are there once they are asked for, and their modules. files: patterns of the
    files that are read.
    """

    tree: str
    imports: list[tuple[str, str]]
    lazily: dict[str, str]
    files: list[str]


@dataclass(frozen=True)
class _Place:
    """Where a module lies; a folder without `__init__.py` has no file."""

    file: Path | None
    folders: tuple[Path, ...] = ()


class Code:
    """The code of this package, and of what lies outside of it, as it is when it is first read.

    package: its folder. What was found about files is kept where Python keeps bytecode, by the
    files' content, since parsing a whole package takes half a second.
    """

    def __init__(self, package: Path):
        self._package = package
        self._places: dict[str, _Place | None] = {}
        self._texts: dict[str, _Text | None] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._kept = _Kept(package)

    def imports_of(self, module: str) -> tuple[str, ...]:
        """The modules that a module imports, and the packages they lie in."""
        if module not in self._imports:
            text = self._text(module)
            pairs = [] if text is None else text.imports
            pairs = [(m, n) for m, n in pairs if _is_ours(m) or not _is_ours(module)]
            found = {name for target, taken in pairs for name in self._named(target, taken)}
            # Where this package's public names lie is no code of its modules.
            self._imports[module] = tuple(sorted(found - {_PACKAGE, module}))
        return self._imports[module]

    def closure(self, *modules: str) -> tuple[str, ...]:
        """Modules, and all that they reach by imports.

        Raises:
            ModuleNotFoundError: one of the modules is nowhere.
        """
        reached: set[str] = set()
        left = [part for module in modules for part in self._known(module)]
        while left:
            module = left.pop()
            if module not in reached:
                reached.add(module)
                left += self.imports_of(module)
        self._kept.save()
        return tuple(sorted(reached))

    def digest(self, *modules: str) -> str:
        """Digest of what a closure says."""
        return digest(*(part for one in self.closure(*modules) for part in self._said(one)))

    def _known(self, module: str) -> list[str]:
        found = [one for one in self._named(module, "") if one != _PACKAGE]
        if not found:
            raise ModuleNotFoundError(f"no module named {module!r}")
        return found

    def _named(self, target: str, taken: str) -> Iterator[str]:
        """The modules that run when a name is taken from a module."""
        below = f"{target}.{taken}"
        if taken and self._place(below) is not None:
            yield from self._with_parents(below)
            return
        yield from self._with_parents(target)
        text = self._text(target) if taken else None
        if text is not None and taken in text.lazily:
            yield from self._with_parents(text.lazily[taken])

    def _with_parents(self, module: str) -> Iterator[str]:
        top = module.partition(".")[0]
        if self._place(module) is None:
            if _version(top):
                yield top
            return
        while module:
            yield module
            module = module.rpartition(".")[0]

    def _said(self, module: str) -> Iterator[str | bytes]:
        """What a module adds to a digest."""
        yield module
        place, text = self._place(module), self._text(module)
        if place is None:
            yield _version(module)
        if place is None or place.file is None or text is None:
            return
        yield text.tree
        folder = place.file.parent
        for pattern in text.files:
            for file in sorted(path for path in folder.glob(pattern) if path.is_file()):
                yield file.relative_to(folder).as_posix()
                yield file.read_bytes()

    def _text(self, module: str) -> _Text | None:
        if module not in self._texts:
            place = self._place(module)
            file = None if place is None else place.file
            self._texts[module] = None if file is None else self._kept.read(module, file)
        return self._texts[module]

    def _place(self, module: str) -> _Place | None:
        """Where a module of this package, or of the user, lies; None where it is neither's."""
        if module not in self._places:
            self._places[module] = self._find(module)
        return self._places[module]

    def _find(self, module: str) -> _Place | None:
        parent, _, name = module.rpartition(".")
        if module == _PACKAGE:
            return _Place(self._package / "__init__.py", (self._package,))
        if not parent:
            return _outside(name)
        above = self._place(parent)
        return None if above is None else _inside(above.folders, name)


class _Kept:
    """What was found about files, by their modules and content, in one file.

    Like bytecode it is not written where that is switched off, and missed where it cannot be.
    """

    def __init__(self, package: Path):
        cached = importlib.util.cache_from_source(str(package / "closure.py"))
        self._file = Path(cached).with_suffix(".json")
        self._found: dict[str, Any] = {}
        self._reader = digest(Path(__file__).read_bytes())
        self._is_new = False
        with suppress(OSError, ValueError):
            kept = json.loads(self._file.read_text("utf-8"))
            self._found = kept["found"] if kept["reader"] == self._reader else {}

    def read(self, module: str, file: Path) -> _Text:
        content = file.read_bytes()
        seen = digest(content)
        kept = self._found.get(module)
        if kept is not None and kept["content"] == seen:
            return _Text(**kept["text"])
        text = _read(module, content, file.name == "__init__.py")
        self._found[module] = {"content": seen, "text": asdict(text)}
        self._is_new = True
        return text

    def save(self) -> None:
        if self._is_new and not sys.dont_write_bytecode:
            with suppress(OSError, StoreError):
                write_text(self._file, json.dumps({"reader": self._reader, "found": self._found}))
        self._is_new = False


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE


def _inside(folders: tuple[Path, ...], name: str) -> _Place | None:
    for folder in folders:
        if (folder / name / "__init__.py").is_file():
            return _Place(folder / name / "__init__.py", (folder / name,))
        if (folder / f"{name}.py").is_file():
            return _Place(folder / f"{name}.py")
    spread = tuple(folder / name for folder in folders if (folder / name).is_dir())
    return _Place(None, spread) if spread else None


@cache
def _outside(name: str) -> _Place | None:
    """A module of the user's, by its first name; None for one that is installed or Python's."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = tuple(Path(folder) for folder in spec.submodule_search_locations or ())
    file = Path(spec.origin) if spec.has_location and spec.origin else None
    places = folders if file is None else (file,)
    is_theirs = any(_INSTALLED & {*p.parts} or p.is_relative_to(_STANDARD) for p in places)
    return None if is_theirs or not places else _Place(file, folders)


@cache
def _version(name: str) -> str:
    """Name and version of the package that installs a module; nothing where none does."""
    if name in sys.stdlib_module_names:
        return ""
    with suppress(metadata.PackageNotFoundError):
        return f"{name} {metadata.version(name)}"
    packages = sorted(set(_packages().get(name, ())))
    return ", ".join(f"{package} {metadata.version(package)}" for package in packages)


@cache
def _packages() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


def _read(module: str, content: bytes, is_package: bool) -> _Text:
    tree = _Tree(module if is_package else module.rpartition(".")[0])
    parsed = ast.parse(content)
    tree.add(parsed)
    aliases = [
        (target, taken) for alias, taken in tree.taken for target in tree.bound.get(alias, ())
    ]
    is_lazy = any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in parsed.body)
    return _Text(
        digest("\n".join(tree.words)),
        sorted({*tree.imports, *aliases}),
        tree.for_checkers if is_lazy else {},
        tree.files,
    )


class _Tree:
    """A syntax tree in words, without what does not run, and the imports on the way.

    package: that relative imports are counted from. bound: modules by the names they are called by.
    taken: names, and what is taken of them by a dot.

    Notes: empty fields are left out, and so versions of Python that add some say the same.
    """

    def __init__(self, package: str):
        self._package = package
        self.words: list[str] = []
        self.imports: list[tuple[str, str]] = []
        self.bound: dict[str, set[str]] = {}
        self.taken: set[tuple[str, str]] = set()
        self.for_checkers: dict[str, str] = {}
        self.files: list[str] = []

    def add(self, node: ast.AST) -> None:
        if isinstance(node, _LOOKED_AT):
            match node:
                case ast.Pass() | ast.Expr(value=ast.Constant(value=str())):
                    return
                case ast.If(test=ast.Name(id=test) | ast.Attribute(attr=test)) if (
                    test == "TYPE_CHECKING"
                ):
                    self._offer(node.body)
                    self._write_all("orelse", node.orelse)
                    return
                case ast.Import() | ast.ImportFrom():
                    self._import(node)
                case ast.Attribute(value=ast.Name(id=name), attr=taken):
                    self.taken.add((name, taken))
                case ast.Assign(targets=[ast.Name(id=name)]) if name == _FILES_READ:
                    self.files += ast.literal_eval(node.value)
        self.words.append(type(node).__name__)
        for field in node._fields:
            value = None if field in _UNTOLD else getattr(node, field, None)
            if isinstance(value, list):
                self._write_all(field, value)
            elif value is not None:
                self.words.append(field)
                self._write(value)
        self.words.append(")")

    def _write(self, value: Any) -> None:
        if isinstance(value, ast.AST):
            self.add(value)
        else:
            self.words.append(repr(value))

    def _write_all(self, field: str, values: list[Any]) -> None:
        if values:
            self.words.append(f"{field} [")
            for value in values:
                self._write(value)
            self.words.append("]")

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                home = self._home(node)
                self.imports.append((home, alias.name))
                called, stands_for = alias.asname or alias.name, f"{home}.{alias.name}"
            else:
                self.imports.append((alias.name, ""))
                top = alias.name.partition(".")[0]
                called, stands_for = alias.asname or top, alias.name if alias.asname else top
            self.bound.setdefault(called, set()).add(stands_for)

    def _home(self, node: ast.ImportFrom) -> str:
        """The module that names are imported from; each dot after the first is a folder up."""
        if not node.level:
            return node.module or ""
        parts = self._package.split(".")
        parts = parts[: len(parts) - (node.level - 1)]
        return ".".join([*parts, node.module] if node.module else parts)

    def _offer(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ImportFrom):
                home = self._home(node)
                self.for_checkers |= {alias.name: home for alias in node.names}
