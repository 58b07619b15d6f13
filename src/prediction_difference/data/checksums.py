"""Files that are copies of each other."""

from collections.abc import Iterable
from pathlib import Path

from prediction_difference.files import sha256


def copies(files: Iterable[Path], others: Iterable[Path]) -> dict[Path, Path]:
    """Each of the files that has a copy among the others, and the copy.

    Only files whose size occurs on both sides are read.
    """
    sizes = {file: file.stat().st_size for file in files}
    other_sizes = {file: file.stat().st_size for file in others}
    both = set(sizes.values()) & set(other_sizes.values())
    known = {sha256(file): file for file, size in other_sizes.items() if size in both}
    found = {file: known.get(sha256(file)) for file, size in sizes.items() if size in both}
    return {file: copy for file, copy in found.items() if copy is not None}
