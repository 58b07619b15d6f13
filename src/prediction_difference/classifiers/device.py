"""Where torch computes."""

import ctypes
import functools
import platform

from prediction_difference import gpus
from prediction_difference.errors import DataError

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Names of glibc's mallopt for the size from which an array gets pages of its own, and for the
free memory that is not yet handed back."""


def choose_device(name: str) -> str:
    """Auto -> cuda where there is one, else cpu; every other name as it is.

    Of several GPUs, auto and cuda take one that no other process of this package has; the first
    call must come before torch looks for GPUs.

    Raises:
        DataError: a GPU is asked for and torch finds none.
    """
    import torch

    if name in ("auto", "cuda"):
        gpus.take()
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DataError(f"run.device: {name}", "torch finds no GPU", "set device to auto or cpu")
    return name


@functools.cache
def keep_freed_memory() -> None:
    """Let the process keep the memory of arrays that it frees, for the next ones.

    Otherwise each large array of a forward pass is made of pages that the system clears first.
    Only where the C library is glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            library.mallopt(option, 2**30)
