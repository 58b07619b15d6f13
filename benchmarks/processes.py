"""Work in a process of its own, whose memory is its own."""

# Nothing is imported here that would be counted as memory of what is measured.
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

MIB = 2**20


def in_a_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """What work returns in a new process.

    Raises:
        RuntimeError: the process was killed, most likely for want of memory.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def peak_mib() -> float:
    """MiB that this process has held at most.

    Notes: Linux' `VmHWM`, as what `getrusage` tells includes what the parent held before.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
