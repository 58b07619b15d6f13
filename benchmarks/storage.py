"""What it costs to keep maps: size, files and time by compression and chunks.

`python -m benchmarks.storage [STORE]` measures an attribution store, or without one maps like those
of prediction difference analysis: noise of 215 x 215 windows of side 10 and its mean over the
windows around a pixel, for some nodes.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import zarr
from zarr.codecs import BloscCodec, ZstdCodec

from prediction_difference.attribution.reading import BY_NODE, open_attribution
from prediction_difference.priors.windows import WindowGrid

_NODES = 3
_ROUNDS = 5
_BLOSC = partial(BloscCodec, typesize=4)
_CODECS = {
    "none": None,
    "zstd, level 0 (Zarr's default)": ZstdCodec(level=0),
    "zstd, level 5": ZstdCodec(level=5),
    "Blosc: lz4, bytes shuffled": _BLOSC(cname="lz4", clevel=5, shuffle="shuffle"),
    "Blosc: zstd, level 3, bytes shuffled": _BLOSC(cname="zstd", clevel=3, shuffle="shuffle"),
    "Blosc: zstd, level 3, bits shuffled": _BLOSC(cname="zstd", clevel=3, shuffle="bitshuffle"),
}

Arrays = Mapping[str, np.ndarray]


def example_arrays(nodes: int = _NODES, side: int = 224, window: int = 10) -> Arrays:
    """Arrays (nodes, ...) as publishing writes them, of random scores of windows."""
    grid = WindowGrid((side, side), window)
    generator = np.random.default_rng(0)
    score = generator.normal(size=(nodes, *grid.shape)).astype(np.float32)
    error = generator.gamma(9, 0.03, size=score.shape).astype(np.float32)
    relevance, errors = grid.average(score), grid.average_error(error)
    values = (relevance.astype(np.float32), errors.astype(np.float32), score, error)
    return dict(zip(BY_NODE, values, strict=True))


def measure(arrays: Arrays, rounds: int = _ROUNDS) -> pd.DataFrame:
    """Size, files and seconds of every way to keep them; the first one is NumPy's own file."""
    costs = {way: _cost(write, rounds) for way, write in _ways(arrays)}
    return pd.DataFrame.from_dict(costs, "index", columns=["bytes", "files", "seconds"])


def _ways(arrays: Arrays) -> Iterator[tuple[str, Callable[[Path], None]]]:
    def stored(folder: Path, codec: BloscCodec | ZstdCodec | None, in_one_file: bool) -> None:
        group = zarr.create_group(folder / "x.zarr")
        for name, values in arrays.items():
            chunks, shards = (1, *values.shape[1:]), values.shape if in_one_file else None
            group.create_array(name, data=values, chunks=chunks, shards=shards, compressors=codec)

    def plain(folder: Path) -> None:
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values)

    yield "float32 arrays (.npy)", plain
    yield from ((n, partial(stored, codec=c, in_one_file=True)) for n, c in _CODECS.items())
    apart = partial(stored, codec=ZstdCodec(level=0), in_one_file=False)
    yield "zstd, level 0, a file for each node", apart


def _cost(write: Callable[[Path], None], rounds: int) -> tuple[int, int, float]:
    seconds = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            write(Path(folder))
            seconds.append(time.process_time() - started)
            sizes = [file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()]
    return sum(sizes), len(sizes), min(seconds)


def main() -> None:
    """Print a Markdown table."""
    if len(sys.argv) > 1:
        store = open_attribution(Path(sys.argv[1]))
        arrays: Arrays = {name: store[name].values for name in BY_NODE if name in store}
    else:
        arrays = example_arrays()
    found = measure(arrays)
    share = (found["bytes"] / found["bytes"].iloc[0]).map("{:.0%}".format)
    megabytes = (found["bytes"] / 1e6).map("{:.2f}".format)
    seconds = found["seconds"].map("{:.3f}".format)
    told = {"MB": megabytes, "of float32": share, "files": found["files"], "seconds": seconds}
    print(pd.DataFrame(told).rename_axis("kept as").to_markdown(disable_numparse=True))


if __name__ == "__main__":
    main()
