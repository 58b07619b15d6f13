"""Fetching known data sets so that a killed job, or a second one, leaves no half of a file."""

import http.client
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from prediction_difference.errors import DataError
from prediction_difference.progress import say
from prediction_difference.stores import raise_if_disk_full


def download(
    source: str, root: Path, entries: Iterable[str], fetch: Callable[[Path], object]
) -> None:
    """Let `fetch` fill an empty folder, and move these files or folders from there to `root`.

    Raises:
        DataError: the download fails.
        StoreError: the disk is full.
    """
    say(f"downloading {source} to {root}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder:
            fetch(Path(folder))
            for entry in entries:
                (root / entry).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / entry).replace(root / entry)
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        if isinstance(error, OSError):
            raise_if_disk_full(error, root)
        what = f"{source} cannot be downloaded ({' '.join(str(error).split())})"
        remedy = "see that the network works and that this folder can be written, or copy the files"
        raise DataError(root, what, f"{remedy} there by hand") from error
