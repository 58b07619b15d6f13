"""Files that a network file system does not list yet: asked for again before they count as missing.

A client keeps names, also those that were not there, for up to a minute. Listing the folder makes
most of them ask the server.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from prediction_difference.progress import say

_NETWORK = frozenset(
    "9p afs beegfs ceph cifs davfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs panfs "  # noqa: SIM905
    "pvfs2 smb3 smbfs virtiofs wekafs fuse.beegfs fuse.ceph fuse.glusterfs fuse.sshfs".split()
)
_MOUNTS = Path("/proc/self/mounts")
_PATIENCE, _PAUSE = 30.0, 0.5
"""Seconds: for how long in all, and between two questions."""

_waits = ContextVar("waits", default=True)


@contextmanager
def without_waiting() -> Iterator[None]:
    """What is not listed counts as missing at once, for those who tell what is missing."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)


def appears(path: Path) -> bool:
    """Whether a file or folder is there; what others may just have written is waited for."""
    if path.exists():
        return True
    if not _waits.get() or not is_on_network(path):
        return False
    say(f"{path} is not listed; waiting up to {_PATIENCE:.0f} s, as this is a network file system")
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(OSError), os.scandir(path.parent) as entries:
            list(entries)
        if path.exists():
            return True
        time.sleep(_PAUSE)
    return False


def is_on_network(path: Path) -> bool:
    """Whether a path lies on a file system that other machines write to; False where unknown."""
    places = _mounts()
    here = Path(os.path.abspath(path))  # noqa: PTH100  (links are kept: their targets may be away)
    kinds = (places[str(folder)] for folder in (here, *here.parents) if str(folder) in places)
    return next(kinds, "") in _NETWORK


def _mounts() -> dict[str, str]:
    """Where file systems are mounted -> their kind; the last one mounted at a place is seen."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {}
    fields = [line.split(" ") for line in lines]
    return {one[1].replace("\\040", " "): one[2] for one in fields if len(one) > 2}
