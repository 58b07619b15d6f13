"""What the profiles promise without running anything: limits, reservations, variables for jobs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.profiles import ProfileConfigFileParser

from .test_workflow import ROOT, TINY, Checkout

pytestmark = pytest.mark.workflow
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20


def pretend_gpus(folder: Path, count: int) -> str:
    """A PATH with an nvidia-smi that lists as many GPUs."""
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    gpus = "".join(f"GPU {n}: Imaginary (UUID: GPU-{n})\n" for n in range(count))
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{gpus}END\nexit {0 if count else 9}\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(("there", "at_once"), [(0, 1), (1, 1), (3, 3)])
def test_the_machine_says_how_much_jobs_may_take_together(tmp_path, monkeypatch, there, at_once):
    monkeypatch.setenv("PATH", pretend_gpus(tmp_path, there))
    with (ROOT / "profiles/default/config.yaml").open() as profile:
        limits = dict(
            limit.split("=") for limit in ProfileConfigFileParser().parse(profile)["resources"]
        )
    assert int(limits["gpu"]) == at_once
    assert 0.7 * MEMORY < int(limits["mem_mb"]) < 0.8 * MEMORY


def reservations(checkout: Checkout, path: str) -> dict[str, dict[str, str]]:
    """What a job of every rule would reserve."""
    options = [
        "--workflow-profile",
        "none",
        "--dry-run",
        "--configfile",
        "tiny.yaml",
        "--cores",
        "1",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options],
        cwd=checkout.folder,
        env={**checkout.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(
        r"^rule (\w+):.*?^    resources: (.*?)$", done.stdout + done.stderr, re.M | re.S
    )
    return {rule: dict(re.findall(r"(\w+)=([^,]+)", needs)) for rule, needs in found}


@pytest.mark.parametrize("there", [0, 2])
def test_jobs_that_run_a_network_reserve_a_gpu_where_there_is_one(tmp_path, there):
    (tmp_path / "checkout").mkdir()
    checkout = Checkout(tmp_path / "checkout")
    checkout.write({**TINY, "run": {**TINY["run"], "device": "auto"}})
    jobs = reservations(checkout, pretend_gpus(tmp_path, there) + os.pathsep + os.environ["PATH"])
    assert {"data", "prior", "classifier", "chunk", "shard", "figure", "report"} <= jobs.keys()
    asked = {rule for rule, needs in jobs.items() if needs.get("gpu", "0") != "0"}
    assert asked == ({"classifier", "chunk", "shard"} if there else set())
    assert all(int(needs["mem_mb"]) >= 2000 for rule, needs in jobs.items() if rule != "all")
    assert all(int(needs["runtime"]) >= 30 for rule, needs in jobs.items() if rule != "all")
