"""Small files in the format of MNIST."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_PREFIXES = {"train": "train", "test": "t10k"}


def idx(array: np.ndarray) -> bytes:
    """The IDX format of unsigned bytes [lecun1998]."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


def write_digits(
    folder: Path,
    pixels: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    packed: bool = False,
) -> None:
    """(n, 28, 28) uint8 pixels and (n,) uint8 labels of the splits, as MNIST's files have them."""
    folder.mkdir(parents=True)
    for split, prefix in _PREFIXES.items():
        contents = {
            f"{prefix}-images-idx3-ubyte": idx(pixels[split]),
            f"{prefix}-labels-idx1-ubyte": idx(labels[split]),
        }
        for name, content in contents.items():
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)
