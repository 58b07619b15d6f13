"""Promises about the project itself: direction of imports, pinned versions, written documents."""

import ast
import inspect
import operator
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml

from prediction_difference.config import read_config
from prediction_difference.config.schema import json_schema, reference_text, schema_text
from prediction_difference.config.settings import SETTING, SETTINGS, with_setting

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "prediction_difference"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
STAGES = (
    "data",
    "priors",
    "classifiers",
    "attribution",
    "evaluation",
    "figures",
    "report",
    "config",
    "artifacts",
    "workload",
)
"""Left to right, as data flows; a stage imports only from itself and from those on its left."""


def imported_modules(file: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
    return found


def wrong_ways(stage: str, file: Path) -> list[str]:
    allowed = {*STAGES[: STAGES.index(stage) + 1]}
    return [
        f"{file.name}:{line} imports {module}"
        for line, module in imported_modules(file)
        if imported_stages([module]) & ({*STAGES, "cli"} - allowed)
    ]


def imported_stages(modules) -> set[str]:
    parts = [module.split(".") for module in modules]
    return {p[1] for p in parts if p[0] == "prediction_difference" and len(p) > 1}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_only_from_its_left(stage):
    wrong = [w for file in (PACKAGE / stage).rglob("*.py") for w in wrong_ways(stage, file)]
    assert wrong == []


@pytest.mark.parametrize(
    "line", ["from prediction_difference.figures import draw", "import prediction_difference.cli"]
)
def test_a_wrong_way_is_seen(tmp_path, line):
    file = tmp_path / "imaginary.py"
    file.write_text(f"import numpy\n\n\ndef late():\n    {line}\n")
    (wrong,) = wrong_ways("data", file)
    assert wrong.startswith("imaginary.py:5 imports prediction_difference.")
    assert wrong_ways("report", file) == ([] if "figures" in line else [wrong])


def test_every_file_belongs_to_a_stage_or_is_shared():
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders == {*STAGES, "cli"}


def test_the_benchmarks_stay_outside_and_beside_what_snakemake_times():
    """The package does without them; benchmarks/<run>/ holds Snakemake's seconds of jobs."""
    for file in PACKAGE.rglob("*.py"):
        assert not [m for _, m in imported_modules(file) if m.split(".")[0] == "benchmarks"], file
    asked = ["benchmarks/quickstart/data/digits.tsv", "benchmarks/cases.py"]
    ignored = subprocess.run(
        ["git", "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ignored.stdout.split() == asked[:1]


def requirement_lines() -> dict[str, str]:
    """Requirement (with its marker) -> text, from the hashed file."""
    text = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line.split(" --hash")[0].split("  #")[0].strip() for line in text.splitlines()]
    return {line.split("==")[0]: line for line in lines if "==" in line}


def test_requirements_are_hashed_and_name_no_index():
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    entries = [line for line in text.replace("\\\n", " ").splitlines() if "==" in line]
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)


def test_uv_resolves_to_the_hashed_requirements():
    """The two commands of the README use these constraints: they and the file are equal."""
    text = (ROOT / "requirements.txt").read_text()
    pinned = set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", text, re.MULTILINE))
    constraints = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert {constraint.split(" ;")[0] for constraint in constraints} == pinned
    assert len(constraints) == len(set(constraints)) == len(pinned)


def test_the_installed_versions_are_the_hashed_ones():
    """What `uv run` made for this very test."""
    text = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"^([a-z0-9][^ ]*)==([^ ]+)", text, re.MULTILINE)
    versions = {name: {v for n, v in pinned if n == name} for name, _ in pinned}
    installed = {d.name.lower().replace("_", "-"): d.version for d in distributions()}
    common = versions.keys() & installed.keys()
    assert len(common) > 50
    assert {n: installed[n] for n in common if installed[n] not in versions[n]} == {}


def test_direct_dependencies_are_pinned_to_the_hashed_versions():
    groups = PROJECT["dependency-groups"]
    direct = [*PROJECT["project"]["dependencies"], *(d for group in groups.values() for d in group)]
    versions = requirement_lines()
    for requirement in direct:
        name, _, version = requirement.partition("==")
        assert versions[name].split("==")[1].split(" ")[0] == version


def test_no_lock_file_is_tracked():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert "uv.lock" not in tracked


def test_the_readme_leaves_open_what_the_claims_leave_undecided():
    """`more-concentrated` of pda2017 and pda2016: no fact, as long as no interval decides it."""
    text = " ".join((ROOT / "README.md").read_text().split())
    (said,) = re.findall(r"- \*Conditional\* sampling asks .*?(?= - )", text)
    assert "The papers say that the first gives sharper maps" in said
    assert "undecided here: see the claims of `pda2017` and `pda2016`" in said
    assert "more specific" not in text


def test_conda_environments_have_the_versions_of_pyproject():
    environment = yaml.safe_load((ROOT / "envs" / "prediction-difference.yaml").read_text())
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    wanted = [d for d in PROJECT["project"]["dependencies"] if not d.startswith("snakemake")]
    assert pip == wanted


def test_every_rule_has_the_conda_environment():
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        rules = re.split(r"^rule ", file.read_text(), flags=re.MULTILINE)[1:]
        assert all("envs/prediction-difference.yaml" in rule for rule in rules), file.name


def test_schema_and_reference_are_written_from_the_model():
    assert (ROOT / "workflow/schemas/config.schema.json").read_text() == schema_text()
    assert (ROOT / "docs/configuration.md").read_text() == reference_text()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_shipped_configurations_are_right_and_fit_the_schema(path, monkeypatch):
    from snakemake.utils import validate

    monkeypatch.setenv("PDA_DATA", "/somewhere")
    read_config(path)
    raw = yaml.safe_load(path.read_text())
    whole = [with_setting({**raw, SETTING: name})[0] for name in raw.get(SETTINGS, ())]
    for one in (raw, *whole):
        validate(one, str(ROOT / "workflow/schemas/config.schema.json"), set_default=False)


def test_the_schema_wants_datasets_unless_settings_may_bring_them():
    from jsonschema import Draft202012Validator

    fits = Draft202012Validator(json_schema()).is_valid
    datasets = {"digits": {"source": "sklearn-digits"}}
    assert fits({"datasets": datasets})
    assert fits({SETTINGS: {"small": {"datasets": datasets}}})
    assert not fits({"run": {"name": "any"}})


HEAVY = "matplotlib nibabel numpy pandas PIL scipy sklearn torch xarray zarr"
CONFIG = "pathlib.Path('config/config.yaml')"
QUICK = {
    "importing the package": "import prediction_difference",
    "--help": "from prediction_difference.cli import main; sys.argv[1:] = ['--help']; main()",
    "--help of a command": (
        "from prediction_difference.cli import main; sys.argv[1:] = ['chunk', '--help']; main()"
    ),
    "reading a configuration": (
        f"from prediction_difference.config import read_config; read_config({CONFIG})"
    ),
    "what the Snakefile imports": (
        "from prediction_difference import closure, dependencies, layout, preflight;"
        "from prediction_difference.workload import summary"
    ),
    "checking the files of a configuration": (
        "from prediction_difference.config import read_yaml;"
        "from prediction_difference.preflight import checked_config;"
        f"checked_config(read_yaml({CONFIG}))"
    ),
}
ALLOWED = {
    "what the Snakefile imports": "numpy",
    "checking the files of a configuration": "numpy PIL",
}


@pytest.mark.parametrize("what", QUICK)
def test_what_a_person_waits_for_imports_nothing_heavy(what):
    """Every start of Snakemake, and of a job, waits for it."""
    heavy = {*HEAVY.split()} - {*ALLOWED.get(what, "").split()}
    if what == "--help":
        heavy |= {"pydantic", "yaml"}
    program = (
        "import pathlib, sys\n"
        f"try:\n    {QUICK[what]}\nexcept SystemExit:\n    pass\n"
        f"print('imports', *sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["imports"], done.stderr


# What scripts of others rely on: names, and the parameters that they are called with.
PUBLIC = {
    "PredictionDifference": (
        "classifier sampler window stride samples engine training_instances seed standard_error "
        "max_samples device batch_size precision layer units"
    ),
    "PredictionDifference.attribute": "self image nodes",
    "Node.probability": "index",
    "Node.score": "index",
    "Node.feature_map": "layer unit",
    "Node.unit": "layer unit position",
    "GaussianPatchPrior.fit": (
        "patches_or_images patch channels ridge patches mask seed regularisation location cells"
    ),
    "ConditionalSampler": "prior window clip",
    "ConditionalSampler.sample": "self image corners samples seed",
    "TensorSampler.draw": "self image corners samples seed",
    "UnitSampler.fit": "activations patch maps patches seed clip",
    "layer_activations": "classifier layer images device",
    "MarginalSampler": "images window",
    "MarginalSampler.sample": "self image corners samples seed",
    "heatmap": "method classifier image node options",
    "aopc": "curves",
    "open_attribution": "path",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_face_has_its_names_and_parameters(name):
    import prediction_difference as pda

    thing = operator.attrgetter(name)(pda)
    assert list(inspect.signature(thing).parameters) == PUBLIC[name].split()


def test_cited_sources_are_in_the_bibliography():
    keys = set(
        re.findall(r"^@\w+\{(\w+),", (ROOT / "docs/references.bib").read_text(), re.MULTILINE)
    )
    cited = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                cited |= set(re.findall(r"\b([a-z]+20\d\d)\b", ast.get_docstring(node) or ""))
    assert len(cited) >= 3
    assert cited <= keys


def test_every_rule_names_its_memory_and_time():
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        rules = re.split(r"^ *rule\b", file.read_text(), flags=re.MULTILINE)[1:]
        assert all("mem_mb=memory(" in rule and "runtime=minutes(" in rule for rule in rules), file
