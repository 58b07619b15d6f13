"""Which GPU a process takes on a machine with several: one process each, whoever started it."""

import fcntl
import os
import re
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from prediction_difference.progress import say

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_SECONDS_BETWEEN_LOOKS = 1.0
_held: list[int] = []
"""Open lock files of this process: closing one would give the GPU back."""


def installed() -> list[str]:
    """UUIDs of this machine's GPUs; of one that is divided (MIG), those of its parts.

    None where nvidia-smi is missing or fails.
    """
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found: list[str] = []
    for uuid in re.findall(r"\(UUID: ((?:GPU|MIG)-[^)\s]+)\)", listed):
        if uuid.startswith("MIG-") and found and found[-1].startswith("GPU-"):
            found.pop()
        found.append(uuid)
    return found


def take() -> None:
    """Hold one of several GPUs until the process ends, and hide the others from it.

    Waits until one is free. Nothing is done with fewer than two, or where CUDA_VISIBLE_DEVICES
    says already which are this process's, as it does in a job of a cluster.

    Notes: held are locks of files (flock) in the folder for temporary files. The kernel releases
    them with the process, however it ends; what is left of the files means nothing.
    """
    if _VISIBLE in os.environ:
        return
    gpus = installed()
    if len(gpus) < 2:
        return
    os.environ[_VISIBLE] = _first_free(gpus)
    say(f"takes the GPU {os.environ[_VISIBLE]}")


def _first_free(gpus: list[str]) -> str:
    has_waited = False
    while True:
        for gpu in gpus:
            if _is_locked_by_us(Path(tempfile.gettempdir(), f"prediction-difference-{gpu}.lock")):
                return gpu
        if not has_waited:
            say(f"all {len(gpus)} GPUs are taken; waits for one")
            has_waited = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _is_locked_by_us(file: Path) -> bool:
    descriptor = _opened(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True


def _opened(file: Path) -> int:
    """A descriptor of the file, which may be another user's."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        with suppress(PermissionError):
            # Whatever the umask is: others have to see that it is taken.
            os.fchmod(descriptor, 0o644)
        return descriptor
    except PermissionError:
        # In a sticky folder Linux refuses O_CREAT for a file that somebody else made.
        return os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
