"""What jobs finished: the working stores that their notes name, and whether these are whole."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.errors import StoreError
from prediction_difference.listings import appears


def refuse_damaged(store: WorkingStore, done: Sequence[Path]) -> None:
    """See that all parts hold what was written; others are given back to the jobs.

    done: done-files of the jobs that wrote the store; they are removed where a part is damaged.

    Raises:
        StoreError: parts are damaged or lost, or the image is.
    """
    try:
        _ = store.image
        finished = store.finished()
        damaged = store.damaged(np.flatnonzero(finished).tolist())
    except StoreError:
        _take_back(done)
        raise
    lost = len(damaged) + int((~finished).sum())
    if not lost:
        return
    # First, as a job that is killed after it would otherwise leave parts that nobody computes.
    _take_back(done)
    store.forget(damaged)
    raise StoreError(
        store.path,
        f"{lost} of its parts are missing or damaged",
        "start again: only these are computed anew",
    )


def _take_back(done: Sequence[Path]) -> None:
    for file in done:
        file.unlink(missing_ok=True)


def stores_of(done: Path) -> dict[str, str]:
    """Names of the working stores that a job noted in its done-file, by slot.

    Raises:
        StoreError: it is no such file.
    """
    appears(done)
    try:
        stores: dict[str, str] = dict(json.loads(done.read_text(encoding="utf-8"))["stores"])
    except FileNotFoundError as error:
        what = "is not there: something that its job had computed was damaged or lost"
        raise StoreError(done, what, "start again: only that is computed anew") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            done, f"is not the done-file of a job ({error})", "delete it and run the job again"
        ) from error
    return stores
