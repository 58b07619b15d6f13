"""The whole workflow with hostile names, killed, started twice, and with a wrong clock."""

import os
import shlex
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
from PIL import Image

import prediction_difference as pda
from prediction_difference.artifacts.verification import State, verify
from prediction_difference.attribution.image_choice import slot_of
from prediction_difference.errors import StoreError
from workflow.test_workflow import Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
CLASSES = ("$(touch pwned)", "'; touch pwned; \"<script>alert(1)</script>")
IMAGES = (
    "-rf",
    "; touch pwned #",
    "`touch pwned` && $HOME {wildcard} {{x}} %s",
    'new\nline "quoted" \'<img src=x onerror=alert(1)>',
    "long " * 45,
)
RAW = {
    "run": {"name": "faults", "seed": 1, "device": "cpu"},
    "datasets": {"photos": {"source": "image-folder", "root": "", "size": [4, 4], "folds": 2}},
    "classifiers": {"plane": {"kind": "logistic-regression", "dataset": "photos"}},
    "explanations": {
        "chance": {
            "method": "random",
            "classifier": "plane",
            "nodes": [{"of": CLASSES[0]}],
            "images": [f"{CLASSES[0]}/{name}" for name in IMAGES],
            "images_per_job": 100,
        }
    },
    "figures": {"maps": {"kind": "heatmaps", "explanations": ["chance"]}},
}


def write_photographs(root: Path) -> None:
    """Photographs in grey of two classes; the second one is lighter."""
    random = np.random.default_rng(0)
    for number, folder in enumerate(CLASSES):
        (root / folder.replace("/", "_")).mkdir(parents=True)
        for name in IMAGES:
            pixels = random.integers(0, 100, (4, 4), np.uint8) + 100 * number
            file = root / folder.replace("/", "_") / f"{name}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(file)


class Hostile(Checkout):
    """A copy of the project in a folder, with a configuration and with photographs of bad names."""

    config = "a config; touch pwned $(touch pwned) '.yaml"

    def __init__(self, folder: Path):
        folder.mkdir()
        super().__init__(folder)
        root = folder / "my photos; touch pwned $(touch pwned) '\"\n"
        write_photographs(root)
        raw = yaml.safe_load(yaml.safe_dump(RAW))
        raw["datasets"]["photos"]["root"] = str(root)
        self.write(raw, self.config)

    def command(self, *arguments: str, config: str = "") -> list[str]:
        return super().command(*arguments, config=config or self.config)

    def run(self, *arguments: str, config: str = "") -> subprocess.CompletedProcess:
        return super().run(*arguments, config=config or self.config)

    @property
    def results(self) -> Path:
        return self.folder / "results" / "faults"

    def traces(self) -> list[Path]:
        """What a shell would have made that took a name for a command."""
        return list(self.folder.rglob("pwned"))


def wait_for_job(run: subprocess.Popen, command: str) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and run.poll() is None:
        for process in psutil.Process(run.pid).children(recursive=True):
            try:
                if command in process.cmdline():
                    return
            except psutil.Error:
                continue
        time.sleep(0.02)
    run.kill()
    pytest.fail(f"no job {command} was started in time:\n{run.communicate()[0]}")


@pytest.fixture(scope="module")
def survived(tmp_path_factory):
    """A run whose snakemake was killed while a second one tried; and what was seen."""
    checkout = Hostile(tmp_path_factory.mktemp("work") / "my checkout; touch pwned '$(touch pwned)")
    run = checkout.start()
    wait_for_job(run, "chunk")
    second = checkout.run("--forceall")
    orphans = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGKILL)
    run.wait(60)
    run.stdout.close()
    psutil.wait_procs(orphans, timeout=120)
    locked = checkout.run()
    unlocked = checkout.run("--unlock")
    again = checkout.run()
    seen = {"second": second, "locked": locked, "unlocked": unlocked, "again": again}
    return checkout, seen


def test_a_second_snakemake_is_refused_while_the_first_one_runs(survived):
    second = survived[1]["second"]
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout + second.stderr


def test_after_snakemake_was_killed_the_remedy_is_told_and_the_rerun_completes(survived):
    checkout, seen = survived
    told = seen["locked"].stdout + seen["locked"].stderr
    assert seen["locked"].returncode != 0
    assert "Directory cannot be locked" in told
    assert "--unlock" in told
    assert seen["unlocked"].returncode == 0
    assert seen["again"].returncode == 0, seen["again"].stdout + seen["again"].stderr
    assert {one.state for one in verify(checkout.results)} == {State.COMPLETE}


def test_names_are_data_in_every_command_and_page(survived):
    checkout, _ = survived
    assert checkout.traces() == []
    for name in RAW["explanations"]["chance"]["images"]:
        store = checkout.results / "attributions" / "chance" / f"{slot_of(name)}.zarr"
        opened = pda.open_attribution(store)
        assert opened.attrs["image_name"] == name
        assert opened.attrs["label"] == CLASSES[0]
    for page in ("index.html", "maps.html"):
        html = (checkout.results / "report" / page).read_text()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_equal_results_come_from_an_undisturbed_run(survived):
    checkout, _ = survived
    whole = checkout.folder / "whole.yaml"
    raw = yaml.safe_load((checkout.folder / checkout.config).read_text())
    raw["run"]["name"] = "whole"
    whole.write_text(yaml.safe_dump(raw))
    name = slot_of(RAW["explanations"]["chance"]["images"][0])
    target = f"results/whole/attributions/chance/{name}.zarr/manifest.sha256"
    done = checkout.run(target, config="whole.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    one, other = (
        pda.open_attribution(checkout.folder / f"results/{run}/attributions/chance/{name}.zarr")
        for run in ("faults", "whole")
    )
    np.testing.assert_array_equal(one["relevance"].values, other["relevance"].values)


@pytest.mark.parametrize("days", [-3000, 3000])
def test_a_clock_that_jumped_makes_nothing_anew_and_spoils_nothing(survived, days):
    """Inputs that seem newer than what was made of them, or older: content counts."""
    checkout, _ = survived
    then = time.time() + days * 86400
    kept = {}
    for file in (checkout.results / "data/photos.zarr").rglob("*.*"):
        kept[file] = file.stat()
        os.utime(file, (then, then))
    planned = checkout.planned()
    for file, before in kept.items():
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert planned == {}


def damaged_map(results: Path) -> Path:
    store = results / "attributions/chance" / f"{slot_of('$(touch pwned)/-rf')}.zarr"
    return next(file for file in (store / "relevance" / "c").rglob("*") if file.is_file())


@pytest.mark.parametrize(
    "find",
    [
        damaged_map,
        lambda results: results / "figures/faults/maps.png",
        lambda results: results / "report/maps.html",
        lambda results: results / "classifiers/plane/weights.safetensors",
    ],
    ids=["a map", "a picture", "a page", "weights"],
)
def test_what_verify_says_mends_what_is_damaged(survived, find):
    checkout, _ = survived
    find(checkout.results).write_bytes(b"")
    assert checkout.planned() == {}
    command = [sys.executable, "-m", "prediction_difference", "verify", "results/faults"]
    options = {"cwd": checkout.folder, "env": checkout.environment, "text": True}
    done = subprocess.run(command, capture_output=True, check=False, **options)
    assert done.returncode == 1
    removal, asking = (line.strip() for line in done.stdout.splitlines()[-2:])
    assert removal.startswith("rm -r -- ")
    assert asking.startswith("snakemake -- ")
    subprocess.run(removal, shell=True, check=True, cwd=checkout.folder)
    targets = shlex.split(asking.removeprefix("snakemake -- "))
    again = checkout.run("--", *targets)
    assert again.returncode == 0, again.stdout + again.stderr
    assert {one.state for one in verify(checkout.results)} == {State.COMPLETE}
    assert checkout.traces() == []


@pytest.fixture
def mounted(tmp_path):
    """Mounts a file system in memory with some options, or mounts it again with others."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options: str) -> Path:
        again = "remount," if folder.is_mount() else ""
        command = ["mount", "-t", "tmpfs", "-o", f"{again}{options}", "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a file system needs root")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(survived, mounted):
    checkout, _ = survived
    done = checkout.run(config=elsewhere(checkout, mounted("ro,size=1m")))
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "cannot be written (Read-only file system); let this folder be written" in told
    assert "Traceback" not in told
    assert not (checkout.folder / "logs" / "elsewhere").exists()


def test_a_full_disk_stops_a_run_that_goes_on_where_there_is_room(survived, mounted):
    checkout, _ = survived
    folder = mounted("size=400k")
    config = elsewhere(checkout, folder)
    done = checkout.run(config=config)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "the disk is full; free some space and start again" in told
    found = verify(folder)
    assert {one.state for one in found} <= {State.COMPLETE, State.HALF_WRITTEN, State.MISSING}
    # Of stores that the stopped job had finished, Snakemake removes the manifest.
    for store in (one.path for one in found if one.state is State.HALF_WRITTEN):
        with pytest.raises(StoreError, match=r"manifest\.sha256, .* last, is missing"):
            pda.open_attribution(store)
    kept = [path for part in ("data", "chunks") for path in (folder / part).rglob("zarr.json")]
    finished = {path: path.stat().st_mtime_ns for path in kept}
    assert len(finished) > len(IMAGES)
    mounted("size=64m")
    done = checkout.run(config=config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {one.state for one in verify(folder)} == {State.COMPLETE}
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


def elsewhere(checkout: Hostile, folder: Path) -> str:
    """The name of a configuration whose results lie in another folder."""
    raw = yaml.safe_load((checkout.folder / checkout.config).read_text())
    raw["run"]["name"] = "elsewhere"
    checkout.write(raw, "elsewhere.yaml")
    link = checkout.folder / "results" / "elsewhere"
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    return "elsewhere.yaml"


HOSTILE_NAMES = (
    "a b",
    "'",
    "; touch pwned",
    "$(touch pwned)",
    "a\nb",
    "a\n",
    "-rf",
    "../up",
    "",
    ".",
)


def test_names_that_are_no_file_names_and_code_in_yaml_are_refused_before_anything_runs(tmp_path):
    checkout = Checkout(tmp_path)
    config = {
        "run": {"name": "$(touch pwned)"},
        "datasets": {name: {"source": "sklearn-digits"} for name in HOSTILE_NAMES},
        "explanations": {"; touch pwned": {"method": "random", "classifier": "a\nb"}},
    }
    checkout.write(config, "names.yaml")
    done = checkout.run(config="names.yaml")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert (
        told.count("this name cannot be a file name; use letters, digits") == len(HOSTILE_NAMES) + 1
    )
    assert "run.name" in told
    (tmp_path / "code.yaml").write_text("run: !!python/object/apply:os.mkdir [pwned]\n")
    done = checkout.run(config="code.yaml")
    assert done.returncode != 0
    assert not (tmp_path / "results").exists()
    assert list(tmp_path.rglob("pwned")) == []
