#!/usr/bin/env python3
"""Hand a job to PBS: `submit.py JOBSCRIPT` prints the identity that the scheduler gives it."""

import json
import subprocess
import sys
from pathlib import Path


def options(job: dict) -> list[str]:
    """What the job reserves, in the scheduler's words."""
    needs = job["resources"]
    chunk = f"select=1:ncpus={job['threads']}:mem={needs['mem_mb']}mb"
    if needs.get("gpu"):
        chunk += f":ngpus={needs['gpu']}"
    # -V: with the environment of this moment, such as PATH.
    found = ["-V", "-N", f"{job['rule'][:10]}.{job['jobid']}", "-l", chunk]
    found += ["-l", f"walltime={needs['runtime'] * 60}"]
    logs = Path("logs/scheduler")
    logs.mkdir(parents=True, exist_ok=True)
    found += ["-j", "oe", "-o", str(logs.absolute())]
    return found + (["-q", needs["queue"]] if "queue" in needs else [])


def properties(jobscript: str) -> dict:
    """What Snakemake writes of a job into its script."""
    marker = "# properties = "
    lines = Path(jobscript).read_text(encoding="utf-8").splitlines()
    return json.loads(next(line for line in lines if line.startswith(marker))[len(marker) :])


jobscript = sys.argv[1]
sys.exit(subprocess.call(["qsub", *options(properties(jobscript)), jobscript]))
