"""The whole workflow on a tiny configuration, as a user runs it: killed, resumed, edited."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

import prediction_difference as pda
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.errors import StoreError

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parent.parent.parent
PARTS = ("Snakefile", "workflow", "src", "config", "profiles", "envs", "pyproject.toml")
IMAGES = {"random": 1, "misclassified": 1}
TINY = {
    "run": {"name": "tiny", "seed": 1, "device": "cpu"},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 5, "patches": 2000}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "width": 8, "epochs": 2}},
    "explanations": {
        "slow": {
            "method": "prediction-difference",
            "classifier": "network",
            "prior": "patches",
            "window": 2,
            "samples": 2000,
            "chunks": 2,
            "images": IMAGES,
        },
        "chance": {"method": "random", "classifier": "network", "images": IMAGES},
    },
    "evaluations": {
        "aopc": {
            "measure": "aopc",
            "explanations": ["slow", "chance"],
            "region": 2,
            "steps": 4,
            "repeats": 2,
        }
    },
    "figures": {
        "maps": {"kind": "heatmaps", "explanations": ["slow", "chance"]},
        "curves": {"kind": "perturbation-curves", "evaluation": "aopc"},
    },
}


class Checkout:
    """A copy of the project in which a test may run and edit what it likes."""

    def __init__(self, folder: Path):
        self.folder = folder
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        self.write(TINY)

    def write(self, config: dict, name: str = "tiny.yaml") -> None:
        (self.folder / name).write_text(yaml.safe_dump(config))

    def command(self, *arguments: str, config: str = "tiny.yaml") -> list[str]:
        # --configfile takes several files, so another option must follow before a target.
        options = ["--configfile", config, "--cores", "2"]
        return [sys.executable, "-m", "snakemake", *options, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        scripts = Path(sys.executable).parent
        return {
            **os.environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "src"),
        }

    def start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, config: str = "tiny.yaml") -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments, config=config),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def planned(self, *targets: str) -> dict[str, int]:
        """Rule -> number of jobs that would run now."""
        done = self.run("--dry-run", *targets)
        assert done.returncode == 0, done.stdout + done.stderr
        table = re.findall(
            r"^\s*(\w+(?: \w+)?) +(\d+)\s*$", done.stdout + done.stderr, re.MULTILINE
        )
        return {rule.replace(" ", "_"): int(count) for rule, count in table if rule != "total"}

    @property
    def results(self) -> Path:
        return self.folder / "results" / "tiny"

    def working_stores(self) -> list[WorkingStore]:
        return [WorkingStore(p) for p in sorted((self.results / "chunks/slow").glob("*.zarr"))]


def kill_chunk_when_half_done(checkout: Checkout, run: subprocess.Popen) -> None:
    """SIGKILL the jobs of the slow explanation once some, but not all rows are there."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and run.poll() is None:
        finished = [store.finished() for store in checkout.working_stores()]
        if any(rows.any() for rows in finished):
            for process in psutil.Process(run.pid).children(recursive=True):
                words = process.cmdline()
                if "chunk" in words and "slow" in words:
                    process.send_signal(signal.SIGKILL)
            return
        time.sleep(0.02)
    pytest.fail("no row was finished in time")


@pytest.fixture(scope="module")
def killed_and_resumed(tmp_path_factory):
    """A run whose chunk jobs were killed half-way, and what was seen before it was run again."""
    checkout = Checkout(tmp_path_factory.mktemp("killed"))
    run = checkout.start()
    kill_chunk_when_half_done(checkout, run)
    output, _ = run.communicate(timeout=240)
    seen = {
        "returncode": run.returncode,
        "output": output,
        "published": list((checkout.results / "attributions/slow").glob("*/manifest.sha256")),
        "finished": {s.path.name: s.finished() for s in checkout.working_stores()},
        "times": {f: f.stat().st_mtime_ns for f in row_files(checkout)},
    }
    again = checkout.run()
    assert again.returncode == 0, again.stdout + again.stderr
    return checkout, seen


def row_files(checkout: Checkout) -> list[Path]:
    return [
        file
        for store in checkout.working_stores()
        for file in (store.path / "part_values" / "c").rglob("*")
        if file.is_file()
    ]


def test_a_killed_chunk_leaves_nothing_that_looks_whole(killed_and_resumed):
    _, seen = killed_and_resumed
    assert seen["returncode"] != 0
    assert seen["published"] == []
    rows = np.concatenate(list(seen["finished"].values()))
    assert rows.any()
    assert not rows.all()


def test_the_rerun_computes_only_what_was_unfinished(killed_and_resumed):
    checkout, seen = killed_and_resumed
    for store in checkout.working_stores():
        assert store.finished().all()
    kept = sum(int(rows.sum()) for rows in seen["finished"].values())
    untouched = [f for f, t in seen["times"].items() if f.stat().st_mtime_ns == t]
    assert len(untouched) >= kept
    logs = (checkout.folder / "logs/tiny/attributions/slow").glob("batch-0.chunk-*.log")
    assert any("rows were finished before" in log.read_text() for log in logs)


def test_the_result_is_that_of_an_undisturbed_run_to_the_last_bit(killed_and_resumed):
    checkout, _ = killed_and_resumed
    slow = {**TINY["explanations"]["slow"], "chunks": 1}
    whole = {**TINY, "explanations": {**TINY["explanations"], "slow": slow}}
    whole["run"] = {**TINY["run"], "name": "whole"}
    checkout.write(whole, "whole.yaml")
    slots = ("random-1", "misclassified-1")
    targets = [f"results/whole/attributions/slow/{slot}.zarr/manifest.sha256" for slot in slots]
    done = checkout.run(*targets, config="whole.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    for slot in slots:
        undisturbed, resumed = (
            pda.open_attribution(checkout.folder / f"results/{run}/attributions/slow/{slot}.zarr")
            for run in ("whole", "tiny")
        )
        for name in ("relevance", "standard_error", "window_score", "window_standard_error"):
            np.testing.assert_array_equal(undisturbed[name].values, resumed[name].values)


def test_every_result_of_the_contract_is_there(killed_and_resumed):
    checkout, _ = killed_and_resumed
    expected = [
        "data/digits.zarr/manifest.sha256",
        "priors/patches.zarr/manifest.sha256",
        *(f"classifiers/network/{f}" for f in ("weights.safetensors", "card.json", "history.csv")),
        "attributions/slow/random-1.zarr/manifest.sha256",
        "evaluations/aopc.parquet",
        *(f"figures/tiny/{f}.{s}" for f in ("maps", "curves") for s in ("png", "pdf", "json")),
        "report/index.html",
        "report/maps.html",
    ]
    missing = [path for path in expected if not (checkout.results / path).is_file()]
    assert missing == []
    published = [p for p in checkout.results.iterdir() if p.name not in ("chunks", "shards")]
    assert not [p for folder in published for p in folder.rglob("*.partial")]
    assert not list(checkout.results.rglob("*.pkl")) + list(checkout.results.rglob("*.npy"))
    logs = {p.stem for p in (checkout.folder / "logs/tiny").rglob("*.log")}
    assert {"digits", "patches", "network", "slow", "aopc", "maps", "index"} <= logs


def test_a_finished_run_has_nothing_to_do_and_edits_rerun_their_stage(killed_and_resumed):
    checkout, _ = killed_and_resumed
    assert checkout.planned() == {}
    edit = checkout.folder / "src/prediction_difference/evaluation/perturbation.py"
    original = edit.read_text()
    edit.write_text(original + "\n# A comment.\n")
    assert checkout.planned() == {}
    edit.write_text(original + "\n_AN_EDIT = 1\n")
    assert checkout.planned() == {"shard": 1, "evaluation": 1, "figure": 1, "report": 1, "all": 1}
    edit.write_text(original)
    assert checkout.planned() == {}
    edit = checkout.folder / "src/prediction_difference/priors/windows.py"
    original = edit.read_text()
    edit.write_text(original + "\n_AN_EDIT = 1\n")
    planned = checkout.planned()
    edit.write_text(original)
    # What puts all maps together knows windows, so that those of the other method are made anew.
    maps = {"chunk": 3, "attribution_slow": 1, "attribution_chance": 1}
    downstream = {"shard": 1, "evaluation": 1, "figure": 2, "report": 1, "all": 1}
    assert planned == {"prior": 1, **maps, **downstream}
    assert checkout.planned() == {}


def test_a_setting_reruns_what_depends_on_it(killed_and_resumed):
    checkout, _ = killed_and_resumed
    evaluations = {"aopc": {**TINY["evaluations"]["aopc"], "repeats": 3}}
    checkout.write({**TINY, "evaluations": evaluations})
    planned = checkout.planned()
    checkout.write(TINY)
    assert planned == {"shard": 1, "evaluation": 1, "figure": 1, "report": 1, "all": 1}


def test_a_store_that_is_gone_is_made_again_when_it_is_asked_for(killed_and_resumed):
    checkout, _ = killed_and_resumed
    store = checkout.results / "attributions/chance/random-1.zarr"
    shutil.rmtree(store)
    with pytest.raises(StoreError, match="no complete Zarr store"):
        pda.open_attribution(store)
    target = store.relative_to(checkout.folder) / "manifest.sha256"
    assert checkout.planned(str(target)) == {"attribution_chance": 1}
    assert checkout.planned()["attribution_chance"] == 1
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert pda.open_attribution(store).attrs["slot"] == "random-1"
    assert checkout.planned() == {}


def test_the_end_says_what_ran_and_how_far_it_is(killed_and_resumed):
    checkout, seen = killed_and_resumed
    assert re.search(r"Failed or was stopped: chunk of slow \(.*batch-0\.chunk", seen["output"])
    assert "The report is" not in seen["output"].rpartition("Ran ")[2].splitlines()[0]
    told = subprocess.run(
        [sys.executable, "-m", "prediction_difference", "progress", "results/tiny"],
        cwd=checkout.folder,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"All \d+ jobs are done\.\n", told.stdout)


def test_snakemakes_own_report_holds_the_figures_and_needs_no_network(killed_and_resumed):
    checkout, _ = killed_and_resumed
    page = checkout.folder / "workflow.html"
    done = checkout.run("--report", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    html = page.read_text()
    assert all(f"{name}.png" in html for name in TINY["figures"])
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?://", html)


def test_mistakes_in_every_section_are_told_together_before_anything_runs(tmp_path):
    checkout = Checkout(tmp_path)
    broken = yaml.safe_load(yaml.safe_dump(TINY))
    broken["run"]["sed"] = 1
    broken["datasets"]["photos"] = {"source": "image-folder", "rot": "."}
    broken["priors"]["patches"]["patch"] = 9
    broken["classifiers"]["network"]["epochs"] = 0
    broken["explanations"]["chance"]["method"] = "randm"
    broken["evaluations"]["aopc"]["explanations"] = ["slw"]
    broken["figures"]["maps"]["node"] = 4
    checkout.write(broken)
    done = checkout.run()
    assert done.returncode != 0
    message = done.stdout + done.stderr
    for section in TINY:
        assert re.search(rf"^\s+- {section}\.", message, re.MULTILINE), message
    assert "Traceback" not in message
    assert not (checkout.folder / "results").exists()


def test_missing_files_of_all_sections_are_told_together(tmp_path):
    checkout = Checkout(tmp_path)
    config = yaml.safe_load(yaml.safe_dump(TINY))
    config["datasets"]["photos"] = {"source": "image-folder", "root": "no/such/folder"}
    config["datasets"]["cohort"] = {"source": "nifti-cohort", "root": "no/cohort"}
    config["classifiers"]["own"] = {
        "kind": "torch",
        "dataset": "digits",
        "factory": "a:b",
        "weights": "no.safetensors",
        "training_instances": 1,
    }
    checkout.write(config)
    done = checkout.run("--dry-run")
    assert done.returncode != 0
    message = " ".join((done.stdout + done.stderr).split())
    for missing in ("no/such/folder", "no/cohort", "no.safetensors"):
        assert missing in message


@pytest.mark.slow
def test_a_paper_is_a_target_with_settings_and_claims(tmp_path):
    checkout = Checkout(tmp_path)
    paper = yaml.safe_load(yaml.safe_dump(TINY))
    paper["run"]["paper"] = "tiny2026"
    del paper["evaluations"], paper["figures"]["curves"], paper["run"]["name"]
    effect = {"where": "Fig. 1", "statement": "Windows matter.", "explanation": "slow"}
    paper["evaluations"] = {
        "claims-tiny2026": {
            "measure": "claims",
            "claims": [{"claim": "measurable-effect", **effect}],
        }
    }
    paper["settings"] = {
        "small": {
            "run": {"name": "tiny-small", "setting": "small, a few draws"},
            "explanations": {"slow": {"samples": 10}},
        },
        "full": {"run": {"name": "tiny-full", "setting": "full"}},
    }
    paper["setting"] = "small"
    checkout.write(paper, "config/papers/tiny2026.yaml")
    # Without a file of its own, the profile's configuration stands behind the target.
    command = [sys.executable, "-m", "snakemake", "tiny2026", "--cores", "2"]
    options = {"cwd": checkout.folder, "env": checkout.environment, "text": True}
    done = subprocess.run(command, capture_output=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout.folder / "results/tiny-small"
    figure = json.loads((results / "figures/tiny2026/maps.json").read_text())
    assert "small, a few draws" in figure["caption"]
    (claim,) = json.loads((results / "evaluations/claims-tiny2026.json").read_text())["claims"]
    assert claim["images"] == 2
    page = (results / "report/index.html").read_text()
    assert "Windows matter." in page
    for more, is_planned in (([], False), (["--config", "setting=full"], True)):
        dry = [*command, "--dry-run", *more]
        planned = subprocess.run(dry, capture_output=True, check=False, **options)
        told = planned.stdout + planned.stderr
        assert bool(re.search(r"^\s*chunk\s+\d+\s*$", told, re.MULTILINE)) is is_planned
    wrong = subprocess.run(
        [*command, "--config", "setting=ful"], capture_output=True, check=False, **options
    )
    assert wrong.returncode != 0
    assert "there is no setting 'ful'; did you mean 'full'?" in " ".join(
        (wrong.stdout + wrong.stderr).split()
    )


@pytest.mark.slow
def test_properties_of_methods_are_measured_and_drawn(tmp_path):
    """Measures of one job each: of a function, of turned images, of sums over regions."""
    checkout = Checkout(tmp_path)
    lrp = {"method": "lrp_alpha_beta", "classifier": "network", "images": {"random": 1}}
    measures = ("continuity", "image-specificity", "aggregation")
    config = {key: TINY[key] for key in ("run", "datasets", "classifiers")}
    config["explanations"] = {"lrp": lrp}
    config["evaluations"] = {name: {"measure": name, "explanations": ["lrp"]} for name in measures}
    config["figures"] = {f"of-{name}": {"kind": name, "evaluation": name} for name in measures}
    checkout.write(config)
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    for name in measures:
        assert (checkout.results / f"evaluations/{name}.parquet").is_file()
        assert (checkout.results / f"figures/tiny/of-{name}.png").is_file()
    assert "<h3>aggregation</h3>" in (checkout.results / "report/index.html").read_text()
    assert checkout.planned() == {}
    config["explanations"] = {"lrp": {**lrp, "alpha": 1, "beta": 0}}
    checkout.write(config)
    planned = checkout.planned()
    assert planned["evaluation"] == 3
    assert planned["chunk"] == 1
    assert "classifier" not in planned
    config["explanations"] = {"lrp": lrp}
    config["run"] = {**TINY["run"], "seed": 2}
    checkout.write(config)
    # Continuity draws, and has no input that would tell.
    assert checkout.planned()["evaluation"] == 3
