"""What measured: processor, instructions, threads, memory, GPU, versions."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from prediction_difference import provenance

_WATCHED = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8")
_OTHERS = ("captum", "monai")
_MIB = 2**20


def machine(device: str) -> dict[str, Any]:
    """Facts about this machine and about what torch uses of it, JSON-like."""
    import torch

    return {
        "device": device,
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "processor": processor(),
        "instructions": instructions(),
        "cores": _cores(),
        "threads": torch.get_num_threads(),
        "memory_mib": _memory(),
        "system": platform.system(),
        "tensorfloat32": device == "cuda" and torch.backends.cudnn.allow_tf32,
        "onednn": torch.backends.mkldnn.is_available(),
        "versions": {**provenance.versions(), **_versions_of_others()},
    }


def processor() -> str:
    """Model of the processor, as the system calls it."""
    return _cpu_info("model name") or platform.processor() or platform.machine()


def instructions() -> list[str]:
    """Those vector and matrix instructions that matter here, and that the processor has."""
    flags = _cpu_info("flags").split()
    return [flag for flag in _WATCHED if flag in flags]


def _cpu_info(key: str) -> str:
    """A value of the first processor in Linux' list of them; empty on other systems."""
    file = Path("/proc/cpuinfo")
    if not file.is_file():
        return ""
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    """MiB of main memory, where the system tells."""
    names = ("SC_PAGE_SIZE", "SC_PHYS_PAGES")
    if any(name not in os.sysconf_names for name in names):
        return None
    size, pages = (os.sysconf(name) for name in names)
    return size * pages // _MIB


def peak_memory() -> float:
    """MiB that this process has held at most.

    Notes: Linux' `VmHWM`, as what `getrusage` tells includes what the parent held before.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB


def _versions_of_others() -> dict[str, str | None]:
    return {name: _version(name) for name in _OTHERS}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
