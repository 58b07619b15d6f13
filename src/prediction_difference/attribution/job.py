"""One job of an explanation: its share of the parts of a batch of images."""

import time
from pathlib import Path

import numpy as np

from prediction_difference.attribution.bench import Bench, Inputs
from prediction_difference.attribution.image_choice import batches
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.task import Task
from prediction_difference.attribution.working_store import ORIGIN, WorkingStore
from prediction_difference.errors import DataError
from prediction_difference.files import settings_digest, write_json
from prediction_difference.progress import say, track
from prediction_difference.run import Config


def run_chunk(
    config: Config,
    name: str,
    inputs: Inputs,
    batch: int,
    chunk: int,
    work: Path,
    done: Path,
    device: str,
) -> None:
    """Compute the rows of one chunk for every image of a batch, and note where they lie.

    Rows that an earlier, interrupted run finished are kept, if they are of the same origin. `done`
    is written last.

    Raises:
        DataError: the inputs do not fit the explanation or each other.
    """
    explanation = config.explanations[name]
    _check_share(name, explanation, batch, chunk)
    bench = Bench(config, name, inputs, device)
    places = {}
    for slot in batches(explanation)[batch]:
        image = bench.explained(slot)
        task = explanation.task(bench, image)
        path = work / f"{slot}-{settings_digest({'image': image.name, **bench.origin.facts})}.zarr"
        attributes = {**task.attributes, ORIGIN: bench.origin.facts}
        store = WorkingStore.open_or_create(path, task.image, task.shapes, attributes)
        fill(store, task, chunk, explanation.chunk_count, f"{name}, {slot}")
        places[slot] = path.name
    write_json(done, {"explanation": name, "batch": batch, "chunk": chunk, "stores": places})


def _check_share(name: str, explanation: Method, batch: int, chunk: int) -> None:
    shares = (
        ("batch", batch, len(batches(explanation))),
        ("chunk", chunk, explanation.chunk_count),
    )
    for what, number, count in shares:
        if not 0 <= number < count:
            raise DataError(
                f"--{what} {number}",
                f"explanation {name!r} has {count}, counted from 0",
                f"choose 0 to {count - 1}",
            )


def fill(store: WorkingStore, task: Task, chunk: int, chunks: int, description: str) -> None:
    """Compute and store a share of a task's parts, but for those that are finished."""
    mine = np.array_split(np.arange(task.parts), chunks)[chunk]
    finished = store.finished()
    missing = [int(part) for part in mine if not finished[part]]
    if len(missing) < len(mine):
        say(f"{description}: {len(mine) - len(missing)} of {len(mine)} rows were finished before")
    seconds = task.prepared
    for part in track(missing, description):
        started = time.perf_counter()
        values, forwards = task.compute(part)
        store.write(part, values, seconds + time.perf_counter() - started, forwards)
        seconds = 0.0
