"""A small cohort of volumes as the pipeline leaves it, on a grid that is easily mixed up."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray
from example_maps import class_node, example_map

from prediction_difference.figures.maps import Map
from prediction_difference.stores import texts, write_store

SIDES = (5, 9, 7)
AFFINE = np.array([[-2.0, 0, 0, 32], [0, 2.5, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])
"""Voxels are stored from right to left, and are no cubes."""
FIRST = 29


def write_attribution(path: Path, *maps: Map) -> Path:
    """The store of some maps of one image."""
    axes, some = ("x", "y", "z"), maps[0]
    stacked = {
        name: (("node", *axes), np.stack([getattr(one, name) for one in maps]).astype(np.float32))
        for name in ("relevance", "standard_error")
    }
    dataset = xarray.Dataset(
        {**stacked, "image": (("channel", *axes), some.image.astype(np.float32))},
        coords={
            "node": texts([one.node_name for one in maps]),
            "unit": ("node", texts([one.unit for one in maps])),
        },
        attrs={**some.attributes, "kind": "attribution", "nodes": [dict(one.node) for one in maps]},
    )
    write_store(path, dataset)
    return path


def write_dataset_store(path: Path, first: int = FIRST) -> Path:
    """Of the dataset's store, the facts about its slab."""
    slab = {"axis": 0, "start": first, "stop": first + SIDES[0]}
    store = xarray.Dataset(attrs={"kind": "dataset", "facts": {"slab": slab}})
    write_store(path, store)
    return path


def image_of(seed: int, sides: tuple[int, int, int] = SIDES) -> np.ndarray:
    """Brightness with nothing at the border."""
    image = np.zeros((1, *sides))
    inner = tuple(slice(1, side - 1) for side in sides)
    shape = tuple(side - 2 for side in sides)
    image[0][inner] = np.random.default_rng(seed).uniform(0.2, 0.8, shape)
    return image


def volume_map(
    seed: int,
    subject: str,
    *,
    scale: float = 1.0,
    exact: bool = False,
    node: dict[str, Any] | None = None,
    sides: tuple[int, int, int] = SIDES,
    **others: Any,
) -> Map:
    """Noise, and a standard error unless it is exact."""
    random = np.random.default_rng(seed)
    relevance = (scale * random.normal(size=sides)).astype(np.float32)
    error = np.full(sides, np.nan) if exact else random.uniform(0.01, 0.4, sides)
    node = node or class_node("patient", 1, 2)
    known: dict[str, Any] = {
        "image": image_of(seed, sides),
        "image_name": subject,
        "slot": subject,
        "dataset": "heads",
        "classifier": "diagnosis",
        "label": "patient",
        "predicted": "control",
        "predicted_probability": 0.75,
        "split": "fold-2",
        "affine": AFFINE.tolist(),
    }
    return example_map(relevance, node, error=error.astype(np.float32), **known | others)
