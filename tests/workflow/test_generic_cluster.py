"""profiles/generic with a stand-in for PBS whose jobs know nothing of the user's environment."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from .test_workflow import Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
# Runs a job in the background, or kills the first of a rule that a file names; keeps the options.
QSUB = """#!/bin/bash
set -e
cd "$CLUSTER"
number=$(( $(ls jobs | wc -l) + 1 ))
mkdir "jobs/$number"
printf '%s\\n' "$@" > "jobs/$number/options"
script="${@: -1}"
cp "$script" "jobs/$number/script"
if [[ -e kill && "$*" == *"-N $(cat kill)."* ]]; then
    rm kill
    echo 271 > "jobs/$number/exit"
else
    ( env -i PATH="$PATH" PYTHONPATH="$PYTHONPATH" HOME=/nowhere OMP_NUM_THREADS=1 bash "$script" \\
        > "jobs/$number/log" 2>&1; echo $? > "jobs/$number/exit" ) > /dev/null 2>&1 &
fi
echo "$number.stand-in"
"""
QSTAT = """#!/bin/bash
number="${@: -1}"; number="${number%.stand-in}"
[[ -d "$CLUSTER/jobs/$number" ]] || { echo "qstat: Unknown Job Id $number" >&2; exit 153; }
if [[ -s "$CLUSTER/jobs/$number/exit" ]]; then
    printf '    job_state = F\\n    Exit_status = %s\\n' "$(cat "$CLUSTER/jobs/$number/exit")"
else
    printf '    job_state = R\\n'
fi
"""
HASTE = ("--seconds-between-status-checks", "1", "--latency-wait", "10", "--jobs", "2")


class Cluster(Checkout):
    """A checkout with a cluster beside it, and photographs in a home of its own."""

    def __init__(self, folder: Path):
        self.cluster = folder / "cluster"
        self.home = folder / "a home"
        (self.cluster / "jobs").mkdir(parents=True)
        (self.cluster / "bin").mkdir()
        for name, text in (("qsub", QSUB), ("qstat", QSTAT)):
            program = self.cluster / "bin" / name
            program.write_text(text)
            program.chmod(0o755)
        (folder / "checkout").mkdir()
        super().__init__(folder / "checkout")
        photographs = self.home / "photographs"
        photographs.mkdir(parents=True)
        for number in range(3):
            pixels = np.full((12, 12, 3), 40 * number, dtype=np.uint8)
            Image.fromarray(pixels).save(photographs / f"{number}.png")

    @property
    def environment(self) -> dict[str, str]:
        known = super().environment
        return {
            **known,
            "PATH": f"{self.cluster / 'bin'}{os.pathsep}{known['PATH']}",
            "CLUSTER": str(self.cluster),
            "HOME": str(self.home),
            "PDA_DATA": str(self.home / "it's data"),
            "MY_PHOTOGRAPHS": str(self.home),
        }

    def command(self, *arguments: str, config: str = "tiny.yaml") -> list[str]:
        profile = ["--workflow-profile", "profiles/generic", *HASTE]
        return [sys.executable, "-m", "snakemake", *profile, *arguments]

    def options(self, number: int) -> list[str]:
        """What a job was submitted with."""
        return (self.cluster / f"jobs/{number}/options").read_text().splitlines()

    def script(self, number: int) -> str:
        return (self.cluster / f"jobs/{number}/script").read_text()


def write_paper(cluster: Cluster) -> None:
    """Two data sets whose folders only the user's environment tells."""
    folder = {"source": "image-folder", "size": [8, 8]}
    paper = {
        "run": {"paper": "tiny2026", "device": "cpu"},
        "datasets": {
            "at-home": {**folder, "root": "~/photographs"},
            "by-variable": {**folder, "root": "$MY_PHOTOGRAPHS/photographs"},
        },
        "settings": {
            "small": {"run": {"name": "tiny-small"}},
            "full": {"run": {"name": "tiny-full"}},
        },
        "setting": "small",
    }
    file = cluster.folder / "config/papers/tiny2026.yaml"
    file.write_text(yaml.safe_dump(paper))


STORES = [
    f"results/tiny-full/data/{name}.zarr/manifest.sha256" for name in ("at-home", "by-variable")
]
TARGETS = ("tiny2026", *STORES, "--config", "setting=full")


def test_a_paper_runs_where_only_its_command_line_arrives(tmp_path):
    cluster = Cluster(tmp_path)
    write_paper(cluster)
    (cluster.cluster / "kill").write_text("data")
    done = cluster.run(*TARGETS)
    logs = [log.read_text()[-1000:] for log in sorted(cluster.cluster.glob("jobs/*/log"))]
    assert done.returncode == 0, "\n".join([done.stdout, done.stderr, *logs])
    assert all((cluster.folder / store).is_file() for store in STORES)
    assert (cluster.folder / "results/tiny-full/report/index.html").is_file()
    # The profile's own configuration had no part in it.
    assert not (cluster.folder / "results/quickstart").exists()
    count = len(list((cluster.cluster / "jobs").iterdir()))
    assert count == 4
    submitted = [cluster.options(number + 1) for number in range(count)]
    needs = {options[options.index("-N") + 1]: [] for options in submitted}
    for options in submitted:
        name, reserved = options[options.index("-N") + 1], options[options.index("-l") + 1 :][:3:2]
        needs[name].append(tuple(reserved))
    data = [found for name, found in needs.items() if name.startswith("data")]
    # The killed one came again and asked for twice as much.
    asked = [("select=1:ncpus=1:mem=4000mb", "walltime=3600")]
    again = ("select=1:ncpus=1:mem=8000mb", "walltime=7200")
    assert sorted(data) == [asked, [*asked, again]]
    assert all('PDA_DATA="' in cluster.script(number + 1) for number in range(count))


@pytest.mark.parametrize(
    ("code", "out", "err", "status"),
    [
        (0, "    job_state = Q", "", "running"),
        (0, "    job_state = E\n    Exit_status = 0", "", "running"),
        (0, "    job_state = F\n    Exit_status = 0", "", "success"),
        (0, "    job_state = F\n    Exit_status = 271", "", "failed"),
        (0, "    job_state = F", "", "failed"),
        (153, "", "qstat: Unknown Job Id 7.server", "failed"),
        (1, "", "cannot connect to server", "running"),
    ],
)
def test_what_the_scheduler_says_is_understood(tmp_path, code, out, err, status):
    program = tmp_path / "qstat"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{out}\nEND\necho '{err}' >&2\nexit {code}\n")
    program.chmod(0o755)
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, root / "profiles/generic/status.py", "7.server"],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(f"{status}\n", done.stdout)
