"""Jobs on a machine with several GPUs: one process each, and given back however it ends."""

import os
import subprocess
import sys
import tempfile

import pytest

from prediction_difference import gpus

WORKER = """
import os, sys
from prediction_difference import gpus
gpus.take()
print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Puts an nvidia-smi in the way that lists what a test says."""

    def pretend(*lines: str, code: int = 0) -> None:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        listed = tmp_path / "listed"
        listed.write_text("".join(f"{line}\n" for line in lines))
        program.write_text(f'#!/bin/sh\ncat "{listed}"\nexit {code}\n')
        program.chmod(0o755)

    (tmp_path / "locks").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "locks"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return pretend


@pytest.fixture
def start():
    """Starts processes that take a GPU and keep it; ends those that are left."""
    workers: list[subprocess.Popen] = []

    def worker() -> subprocess.Popen:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", WORKER]
        workers.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return workers[-1]

    yield worker
    for process in workers:
        process.kill()
        process.communicate()


def gpu(number: int) -> str:
    return f"GPU {number}: NVIDIA H200 (UUID: GPU-{number:08d}-aaaa-bbbb-cccc-dddddddddddd)"


def uuid(number: int) -> str:
    return f"GPU-{number:08d}-aaaa-bbbb-cccc-dddddddddddd"


def answer(worker: subprocess.Popen) -> str:
    return worker.stdout.readline().strip()


def test_gpus_are_listed_by_their_identity(machine):
    machine(gpu(0), gpu(1))
    assert gpus.installed() == [uuid(0), uuid(1)]


def test_a_divided_gpu_counts_by_its_parts(machine):
    part = "  MIG 3g.71gb Device {0}: (UUID: MIG-{0}{0}{0}{0}-part)"
    machine(gpu(0), part.format(0), part.format(1), gpu(1))
    assert gpus.installed() == ["MIG-0000-part", "MIG-1111-part", uuid(1)]


@pytest.mark.parametrize(("lines", "code"), [((), 0), (("No devices were found",), 6)])
def test_a_machine_without_gpus_has_none(machine, lines, code):
    machine(*lines, code=code)
    assert gpus.installed() == []
    gpus.take()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_without_nvidia_smi_there_is_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpus.installed() == []


def test_a_single_gpu_is_left_as_it_is(machine, tmp_path):
    machine(gpu(0))
    gpus.take()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert list((tmp_path / "locks").iterdir()) == []


@pytest.mark.parametrize("given", ["", "1", "GPU-of-a-scheduler"])
def test_what_a_scheduler_gave_is_kept(machine, monkeypatch, tmp_path, given):
    machine(gpu(0), gpu(1))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    gpus.take()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == given
    assert list((tmp_path / "locks").iterdir()) == []


def test_each_process_has_a_gpu_of_its_own_and_a_killed_one_gives_it_back(machine, start):
    machine(gpu(0), gpu(1))
    first, second = start(), start()
    taken = [answer(first), answer(second)]
    assert sorted(taken) == [uuid(0), uuid(1)]
    third = start()
    assert "all 2 GPUs are taken" in third.stderr.readline()
    first.kill()
    first.wait()
    assert answer(third) == taken[0]


def test_a_process_that_ends_gives_its_gpu_back(machine, start):
    machine(gpu(0), gpu(1))
    first = start()
    assert answer(first) == uuid(0)
    first.communicate(timeout=60)
    assert answer(start()) == uuid(0)


@pytest.fixture
def held(machine, monkeypatch, tmp_path):
    """The locks of this process, which are given back."""
    machine(gpu(0), gpu(1))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "locks"))
    monkeypatch.setattr(gpus, "_held", [])
    yield gpus._held
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    for lock in gpus._held:
        lock.release()


def test_others_may_lock_the_files_whatever_the_umask(held, tmp_path):
    before = os.umask(0o077)
    try:
        gpus.take()
    finally:
        os.umask(before)
    (file,) = (tmp_path / "locks").iterdir()
    assert file.stat().st_mode & 0o777 == 0o666


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
def test_a_lock_file_of_somebody_else_can_be_locked(held, tmp_path):
    """In a folder as /tmp is, where Linux lets nobody create what is there."""
    (tmp_path / "locks").chmod(0o1777)
    theirs = tmp_path / "locks" / f"prediction-difference-{uuid(0)}.lock"
    theirs.touch()
    theirs.chmod(0o666)
    os.chown(theirs, 65534, 65534)
    gpus.take()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == uuid(0)
    assert len(held) == 1
