"""What it costs to keep maps: size, files and time by compression and chunks.

`python -m prediction_difference.benchmark.storage [STORE]` measures an attribution store, or
without one maps like those of prediction difference analysis: noise of 215 x 215 windows of side 10
and its mean over the windows around a pixel, for some nodes.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.reading import BY_NODE, open_attribution
from prediction_difference.priors.windows import WindowGrid

_NODES = 3
_ROUNDS = 5
_CODECS: Mapping[str, Callable[[Any], Any]] = {
    "none": lambda codecs: None,
    "zstd, level 0 (Zarr's default)": lambda codecs: codecs.ZstdCodec(level=0),
    "zstd, level 5": lambda codecs: codecs.ZstdCodec(level=5),
    "Blosc: lz4, bytes shuffled": lambda codecs: codecs.BloscCodec(
        cname="lz4", clevel=5, shuffle="shuffle", typesize=4
    ),
    "Blosc: zstd, level 3, bytes shuffled": lambda codecs: codecs.BloscCodec(
        cname="zstd", clevel=3, shuffle="shuffle", typesize=4
    ),
    "Blosc: zstd, level 3, bits shuffled": lambda codecs: codecs.BloscCodec(
        cname="zstd", clevel=3, shuffle="bitshuffle", typesize=4
    ),
}


def example_arrays(nodes: int = _NODES, side: int = 224, window: int = 10) -> dict[str, np.ndarray]:
    """Arrays (nodes, ...) as publishing writes them, of random scores of windows."""
    grid = WindowGrid((side, side), window)
    generator = np.random.default_rng(0)
    score = generator.normal(size=(nodes, *grid.shape)).astype(np.float32)
    error = generator.gamma(9, 0.03, size=score.shape).astype(np.float32)
    relevance, errors = grid.average(score), grid.average_error(error)
    values = (relevance.astype(np.float32), errors.astype(np.float32), score, error)
    return dict(zip(BY_NODE, values, strict=True))


def measure(arrays: Mapping[str, np.ndarray], rounds: int = _ROUNDS) -> list[dict[str, Any]]:
    """Size, files and seconds of every way to keep them; the first one is NumPy's own file."""
    import zarr

    def numpy(folder: Path) -> None:
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values)

    def stored(folder: Path, codec: Any, in_one_file: bool) -> None:
        group = zarr.create_group(folder / "x.zarr")
        for name, values in arrays.items():
            group.create_array(
                name,
                data=values,
                chunks=(1, *values.shape[1:]),
                shards=values.shape if in_one_file else None,
                compressors=codec,
            )

    ways: dict[str, Callable[[Path], None]] = {"float32 arrays (.npy)": numpy}
    for name, codec in _CODECS.items():
        made = codec(zarr.codecs)
        ways[name] = partial(stored, codec=made, in_one_file=True)
    default = _CODECS["zstd, level 0 (Zarr's default)"](zarr.codecs)
    ways["zstd, level 0, a file for each node"] = partial(stored, codec=default, in_one_file=False)
    return [{"way": name, **_cost(write, rounds)} for name, write in ways.items()]


def _cost(write: Callable[[Path], None], rounds: int) -> dict[str, float]:
    seconds = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            write(Path(folder))
            seconds.append(time.process_time() - started)
            files = [file for file in Path(folder).rglob("*") if file.is_file()]
            size = sum(file.stat().st_size for file in files)
    return {"bytes": size, "files": len(files), "seconds": min(seconds)}


def main() -> None:
    """Print a Markdown table."""
    if len(sys.argv) > 1:
        store = open_attribution(Path(sys.argv[1]))
        arrays = {name: store[name].values for name in BY_NODE if name in store}
    else:
        arrays = example_arrays()
    rows = measure(arrays)
    print("| kept as | MB | of float32 | files | seconds |\n|---|---|---|---|---|")
    for row in rows:
        share = row["bytes"] / rows[0]["bytes"]
        line = f"{row['bytes'] / 1e6:.2f} | {share:.0%} | {row['files']} | {row['seconds']:.3f}"
        print(f"| {row['way']} | {line} |")


if __name__ == "__main__":
    main()
