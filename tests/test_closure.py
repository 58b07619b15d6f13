"""Digests of code: an edit changes those that run what was edited, and no others."""

import ast
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from prediction_difference import closure as closure_module
from prediction_difference.closure import Code, closure, code_digest

PACKAGE = Path(closure_module.__file__).parent
OURS = "prediction_difference"
FILES = {
    "__init__.py": "",
    "base.py": '"""Numbers."""\n\nONE = 1\n',
    "shape.py": "from mine.base import ONE\n\n\nclass Shape:\n    sides: int = ONE\n",
    "circle.py": "from . import shape\n\nSIDES = shape.Shape.sides\n",
    "late.py": "def area():\n    from mine.square.area import area\n\n    return area()\n",
    "square/__init__.py": "from .. import late\n",
    "square/area.py": "import mine.square.sides as s\n\n\ndef area():\n    return s.SIDES\n",
    "square/sides.py": "from ..base import ONE\n\nSIDES = ONE\n",
    "alone.py": "ALONE = 1\n",
}
MODULES = ["base", "shape", "circle", "late", "square.area", "square.sides", "alone"]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A user's package in a folder on Python's path."""
    folder = tmp_path / "mine"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    closure_module._outside.cache_clear()
    yield folder
    closure_module._outside.cache_clear()


def digests() -> dict[str, str]:
    code = Code(PACKAGE)
    return {module: code.digest(f"mine.{module}") for module in MODULES}


def reached(*modules: str) -> list[str]:
    """Modules of the user's package that others of it reach."""
    found = Code(PACKAGE).closure(*(f"mine.{module}" for module in modules))
    return [module.removeprefix("mine.") for module in found if module != "mine"]


def test_imports_are_followed_wherever_they_stand(mine):
    assert reached("alone") == ["alone"]
    assert reached("shape") == ["base", "shape"]
    assert reached("circle") == ["base", "circle", "shape"]
    assert reached("alone", "shape") == ["alone", "base", "shape"]


def test_a_lazy_import_and_a_cycle_are_followed_to_their_end(mine):
    whole = ["base", "late", "square", "square.area", "square.sides"]
    assert reached("late") == reached("square.area") == whole


@pytest.mark.parametrize("edited", [f"{m.replace('.', '/')}.py" for m in MODULES])
def test_an_edit_changes_exactly_the_digests_of_what_reaches_it(mine, edited):
    before = digests()
    module = edited.removesuffix(".py").replace("/", ".")
    reaching = {one for one in MODULES if module in reached(one)}
    file = mine / edited
    file.write_text(file.read_text() + "EDITED = 1\n")
    assert {m for m, digest in digests().items() if digest != before[m]} == reaching
    file.write_text(FILES[edited])
    assert digests() == before


@pytest.mark.parametrize(
    "text",
    [
        FILES["shape.py"] + "# A comment.\n",
        FILES["shape.py"].replace("\n", "\n\n"),
        '"""A docstring."""\n' + FILES["shape.py"],
        FILES["shape.py"].replace("Shape:\n", 'Shape:\n    """A shape."""\n\n'),
        FILES["shape.py"] + '    """How many."""\n',
        FILES["shape.py"].replace("import ONE", "import (\n    ONE,\n)"),
        FILES["shape.py"]
        + "import typing\nif typing.TYPE_CHECKING:\n    from mine.alone import ALONE\n",
    ],
)
def test_what_does_not_run_changes_no_digest(mine, text):
    shape = mine / "shape.py"
    if "import typing" in text:
        shape.write_text(FILES["shape.py"] + "import typing\n")
    before = digests()
    shape.write_text(text)
    assert digests() == before


@pytest.mark.parametrize(
    ("old", "new"), [("int", "float"), ("sides", "size"), ("ONE\n\n", "ONE as ONE\n\n")]
)
def test_annotations_and_names_count(mine, old, new):
    before = digests()
    file = mine / "shape.py"
    file.write_text(file.read_text().replace(old, new))
    assert {m for m, digest in digests().items() if digest != before[m]} == {"shape", "circle"}


def test_a_new_file_that_nobody_imports_changes_no_digest(mine):
    before = digests()
    (mine / "new.py").write_text("import mine.base\n")
    assert digests() == before


def test_a_file_that_a_module_reads_counts_by_its_bytes(mine):
    alone = mine / "alone.py"
    alone.write_text('FILES_READ = ("texts/*",)\n')
    (mine / "texts").mkdir()
    (mine / "texts/one.txt").write_text("1")
    before = digests()
    for name, text in {"one.txt": "2", "two.txt": ""}.items():
        (mine / "texts" / name).write_text(text)
        after = digests()
        assert {m for m, digest in after.items() if digest != before[m]} == {"alone"}
        before = after


def test_what_is_installed_counts_by_its_version(mine, monkeypatch):
    (mine / "alone.py").write_text("import json\nimport yaml.nodes\nfrom scipy import stats\n")
    assert reached("alone") == ["alone", "scipy", "yaml"]
    before = digests()
    version = metadata.version
    newer = lambda name: "99" if name == "PyYAML" else version(name)  # noqa: E731
    monkeypatch.setattr(metadata, "version", newer)
    closure_module._version.cache_clear()
    assert {m for m, digest in digests().items() if digest != before[m]} == {"alone"}
    closure_module._version.cache_clear()


def test_a_users_module_runs_what_it_takes_of_this_package(mine):
    alone = mine / "alone.py"
    nodes = f"{OURS}.attribution.nodes"
    for text in (
        f"import {OURS} as pda\n\nprint(pda.Node)\n",
        f"from {OURS} import Node\n",
        f"from {OURS}.attribution.nodes import Node\n",
    ):
        alone.write_text(text)
        code = Code(PACKAGE)
        assert code.closure("mine.alone") == tuple(
            sorted({*code.closure(nodes), "mine", "mine.alone"})
        )


def test_a_module_that_is_nowhere_is_refused(mine):
    with pytest.raises(ModuleNotFoundError, match=r"no module named 'mine\.nowhere'"):
        Code(PACKAGE).closure("mine.nowhere")


def test_what_was_found_is_kept_and_found_again(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    first = digests()
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda text: pytest.fail(f"parses {text!r} again"))
    assert digests() == first
    monkeypatch.setattr(ast, "parse", parse)
    (mine / "base.py").write_text("ONE = 2\n")
    assert digests() != first
    (kept,) = (tmp_path / "kept").rglob("*.json")
    kept.write_text("damaged")
    assert digests()["alone"] == first["alone"]


# --- this package -----------------------------------------------------------------------------


def our_closure(*modules: str) -> set[str]:
    return {m.removeprefix(f"{OURS}.") for m in closure(*(f"{OURS}.{m}" for m in modules))}


def test_the_engine_reaches_its_parts_and_no_heatmap_method():
    engine = our_closure("attribution.engines.incremental")
    assert {"attribution.engines.winograd", "classifiers.graph", "randomness"} <= engine
    assert not any(m.startswith(("attribution.methods", "figures", "evaluation")) for m in engine)


def test_an_edit_of_the_engine_changes_what_reaches_it(tmp_path):
    copy = tmp_path / "package"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    engine, rules = f"{OURS}.attribution.engines.incremental", f"{OURS}.attribution.relevance"
    before = [Code(copy).digest(module) for module in (engine, rules)]
    assert before == [code_digest(engine), code_digest(rules)]
    file = copy / "attribution/engines/incremental.py"
    file.write_text(file.read_text() + "\n# A comment.\n")
    assert [Code(copy).digest(module) for module in (engine, rules)] == before
    file.write_text(file.read_text() + "EDITED = 1\n")
    after = [Code(copy).digest(module) for module in (engine, rules)]
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, True]


def test_every_file_that_is_no_python_is_read_by_a_module_that_says_so():
    said = set()
    for file in PACKAGE.rglob("*.py"):
        text = closure_module._read("any", file.read_bytes(), is_package=False)
        for pattern in text.files:
            found = {path for path in file.parent.glob(pattern) if path.is_file()}
            assert found, f"{file.name} reads {pattern}, and there is none"
            said |= found
    others = {
        path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in others if path.suffix != ".py"} == said


def test_the_face_of_the_package_computes_nothing():
    """It is left out of closures, so that a new public name makes nothing anew."""
    assert OURS not in closure(f"{OURS}.attribution.engines.incremental")
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert functions == {"__getattr__", "__dir__"}
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    for node in assigned:
        ast.literal_eval(node.value)
    rest = (ast.Import, ast.ImportFrom, ast.Expr, ast.If, ast.FunctionDef, ast.Assign)
    assert all(isinstance(node, rest) for node in tree.body)
