"""From the working store of an image to the attribution store that everybody reads."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.job import what_matters
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.config import Config
from prediction_difference.data.dataset import spatial_axes
from prediction_difference.errors import StoreError
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.stores import open_store, refuse_other_config, texts, write_store

_SAID_ELSEWHERE = {"node_names", "units"}


def publish(
    config: Config,
    name: str,
    slot: str,
    work: Path,
    done: Sequence[Path],
    output: Path,
) -> None:
    """Average the windows of an image over its pixels and publish its attribution store.

    Raises:
        StoreError: chunks are missing, disagree, or were made with another config.
    """
    store = WorkingStore(work / _place(slot, done))
    attributes = store.attributes
    wanted = config.explanations[name].model_dump(mode="json")
    made_with = {**attributes["settings"], "seed": attributes["seed"]}
    now = {**what_matters(wanted), "seed": config.run.seed}
    refuse_other_config(store.path, made_with, now)
    write_store(output, _assemble(store, attributes, slot))


def _place(slot: str, done: Sequence[Path]) -> str:
    """Name of the working store of a slot, on which all chunks must agree."""
    places = {_stores_of(file).get(slot) for file in done}
    if len(places) != 1 or None in places:
        raise StoreError(
            slot, "its chunks were made from different inputs", "delete their done-files and rerun"
        )
    return str(places.pop())


def _stores_of(done: Path) -> dict[str, str]:
    try:
        stores: dict[str, str] = dict(json.loads(done.read_text(encoding="utf-8"))["stores"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            done, f"is not the done-file of a chunk ({error})", "delete it and run the chunk again"
        ) from error
    return stores


def _assemble(store: WorkingStore, attributes: dict[str, Any], slot: str) -> Any:
    import xarray

    image = store.image
    axes = spatial_axes(image.ndim - 1)
    grid = _window_grid(attributes["settings"], image) if "window_score" in store.arrays else None
    units = attributes["units"]
    unit = units[0] if len(set(units)) == 1 else "that of each node"
    coordinates: dict[str, Any] = {"node": texts(attributes["node_names"])}
    coordinates["unit"] = ("node", texts(units))
    coordinates |= {a: np.arange(side) for a, side in zip(axes, image.shape[1:], strict=True)}
    if grid is not None:
        coordinates |= {f"window_{a}": p for a, p in zip(axes, grid.axes, strict=True)}
    variables: dict[str, Any] = {"image": (("channel", *axes), image)}
    variables |= {
        name: (("node", *axes), values.astype(np.float32), {"unit": unit})
        for name, values in _maps(store, grid).items()
    }
    if grid is not None:
        window_axes = ("node", *(f"window_{axis}" for axis in axes))
        for name in ("window_score", "window_standard_error"):
            variables[name] = (window_axes, store.read(name), {"unit": unit})
    kept = {key: value for key, value in attributes.items() if key not in _SAID_ELSEWHERE}
    attrs = {"kind": "attribution", "slot": slot, **kept, **store.totals()}
    return xarray.Dataset(variables, coords=coordinates, attrs=attrs)


def _maps(store: WorkingStore, grid: WindowGrid | None) -> dict[str, np.ndarray]:
    """Relevance and standard error of every pixel, (nodes, *spatial)."""
    if grid is None:
        relevance = store.read("relevance")[:, 0]
        return {"relevance": relevance, "standard_error": np.full_like(relevance, np.nan)}
    return {
        "relevance": grid.average(store.read("window_score")),
        "standard_error": grid.average_error(store.read("window_standard_error")),
    }


def _window_grid(settings: dict[str, Any], image: np.ndarray) -> WindowGrid:
    return WindowGrid(image.shape[1:], settings["window"], settings["stride"])


def open_attribution(path: Path) -> Any:
    """Open an attribution store as a lazy xarray Dataset; see design of stores in the README.

    Raises:
        StoreError: nothing complete is there, or it is another kind of store.
    """
    return open_store(Path(path), "attribution")
