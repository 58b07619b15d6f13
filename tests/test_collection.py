"""Every process that collects the tests finds the same names: pytest-xdist refuses others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_COLLECT = """
import sys, time
real = time.time
time.time = lambda: real() + float(sys.argv[1])
import pytest
options = ["--collect-only", "-q", "-m", "slow or not slow", "-p", "no:cacheprovider"]
sys.exit(pytest.main([*options, *sys.argv[2:]]))
"""
"""Collects at another time: sys.argv[1] seconds from now."""


def names_of_tests(folder: Path, hash_seed: str, seconds: int) -> list[str]:
    """Names of the tests in a folder, collected by a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    found = subprocess.run(
        [sys.executable, "-c", _COLLECT, str(seconds), str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return [line for line in found.stdout.splitlines() if "::" in line]


def test_tests_have_the_same_names_in_every_process_and_at_every_time():
    now = names_of_tests(ROOT / "tests", "1", 0)
    later = names_of_tests(ROOT / "tests", "2", 100_000_001)
    assert len(now) > 1000
    assert [name for name in now if name not in set(later)] == []
    assert now == later


@pytest.mark.parametrize(
    "values",
    ["{'a', 'b', 'c', 'd', 'e'}", "[gzip.compress(b'')]", "[hex(id(object()))]"],
    ids=["order of a set", "time", "address"],
)
def test_a_name_that_differs_between_processes_is_seen(tmp_path, values):
    lines = [
        "import gzip, pytest",
        f"@pytest.mark.parametrize('value', {values})",
        "def test_it(value): pass",
    ]
    (tmp_path / "test_imaginary.py").write_text("\n".join(lines) + "\n")
    collected = {
        tuple(names_of_tests(tmp_path, str(seed), 100_000_001 * seed)) for seed in range(3)
    }
    assert len(collected) > 1
