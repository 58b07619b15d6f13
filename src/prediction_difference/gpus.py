"""Which GPU a process takes on a machine with several: one process each, whoever started it."""

import os
import re
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prediction_difference.progress import say

if TYPE_CHECKING:
    from filelock import FileLock

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_SECONDS_BETWEEN_LOOKS = 1.0
_EVERYBODY = 0o666
"""May lock the files, which hold nothing."""
_held: "list[FileLock]" = []
"""Of this process: a lock that is forgotten would give the GPU back."""


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

    Notes: held are locks of files in the folder for temporary files. The kernel releases
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
    from filelock import FileLock, Timeout

    folder = Path(tempfile.gettempdir())
    files = {gpu: folder / f"prediction-difference-{gpu}.lock" for gpu in gpus}
    locks = {g: FileLock(f, mode=_EVERYBODY, thread_local=False) for g, f in files.items()}
    has_waited = False
    while True:
        for gpu, lock in locks.items():
            with suppress(Timeout):
                lock.acquire(blocking=False)
                _held.append(lock)
                return gpu
        if not has_waited:
            say(f"all {len(gpus)} GPUs are taken; waits for one")
            has_waited = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)
