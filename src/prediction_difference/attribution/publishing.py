"""From the working store of an image to the attribution store that everybody reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference import layout
from prediction_difference.attribution.finished import refuse_damaged, stores_of
from prediction_difference.attribution.image_choice import batches
from prediction_difference.attribution.nifti import is_exported, write_nifti
from prediction_difference.attribution.reading import BY_NODE
from prediction_difference.attribution.working_store import ORIGIN, WorkingStore
from prediction_difference.data.dataset import spatial_axes
from prediction_difference.errors import StoreError
from prediction_difference.files import row_digests, write_json
from prediction_difference.manifest import Origin, digest_of, withdraw, write_manifest
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.progress import track
from prediction_difference.run import Config
from prediction_difference.stores import (
    refuse_other_config,
    texts,
    write_store,
)

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

    Maps of a volume are written as NIfTI files beside it, before it: a store is there last.

    Raises:
        StoreError: chunks are missing, damaged, disagree, or were made with another config. Damaged
            ones are given back, with their done-files, so that the next run computes them.
    """
    store = WorkingStore(work / _place(slot, done))
    refuse_damaged(store, done)
    attributes = store.attributes
    origin = Origin.from_facts(attributes.pop(ORIGIN))
    made_with = {**attributes["settings"], "seed": attributes["seed"]}
    now = {**config.explanations[name].of_map, "seed": config.run.seed}
    refuse_other_config(store.path, made_with, now)
    found, chunks = by_node(_assemble(store, attributes, slot))
    if is_exported(attributes):
        told = found.assign_attrs(inputs=dict(origin.inputs))
        _export(told, layout.nifti_file(output), origin)
    write_store(output, found, chunks, origin)


def _export(store: Any, path: Path, origin: Origin) -> None:
    """Write the NIfTI files of a store, and their manifest beside the JSON file."""
    main = layout.sidecar_of(path)
    withdraw(main)
    write_manifest(main, write_nifti(store, path), origin)


def publish_all(config: Config, name: str, results: Path) -> None:
    """Publish the attribution stores of all images of an explanation, and then their listing.

    Raises:
        StoreError: chunks are missing, disagree, or were made with another config.
    """
    explanation = config.explanations[name]
    work = layout.chunks_folder(results, name)
    digests = {}
    for batch, some in enumerate(batches(explanation)):
        chunks = range(explanation.chunk_count)
        done = [layout.done_file(results, name, batch, chunk) for chunk in chunks]
        for slot in track(some, f"{name}, batch {batch}"):
            store = layout.attribution_store(results, name, slot)
            publish(config, name, slot, work, done, store)
            digests[slot] = digest_of(store)
    listing = layout.listing(results, name)
    withdraw(listing)
    write_json(listing, {"explanation": name, "stores": digests})
    write_manifest(listing, [listing])


def _place(slot: str, done: Sequence[Path]) -> str:
    """Name of the working store of a slot, on which all chunks must agree."""
    places = {stores_of(file).get(slot) for file in done}
    if len(places) != 1 or None in places:
        raise StoreError(
            slot, "its chunks were made from different inputs", "delete their done-files and rerun"
        )
    return str(places.pop())


@dataclass(frozen=True)
class _Axes:
    """Names and sides of the axes of relevance, and names of the image's, where they differ."""

    names: tuple[str, ...]
    sides: tuple[int, ...]
    of_image: tuple[str, ...]

    @classmethod
    def of(cls, attributes: dict[str, Any], image: np.ndarray) -> "_Axes":
        """Those of the image (C, *spatial), or of the places and units of a removed layer."""
        own, removed = spatial_axes(image.ndim - 1), attributes.get("removed")
        if removed is None:
            return cls(own, image.shape[1:], own)
        sides = tuple(removed["shape"][1:])
        units = ("layer_unit",) if removed["features"] == "units" else ()
        places = len(sides) - len(units)
        names = spatial_axes(places) if places > 1 else ("x",)[:places]
        return cls((*units, *names), sides, tuple(f"image_{axis}" for axis in own))


def _assemble(store: WorkingStore, attributes: dict[str, Any], slot: str) -> Any:
    import xarray

    image = store.image
    axes = _Axes.of(attributes, image)
    grid = _window_grid(attributes["settings"], axes) if "window_score" in store.arrays else None
    units = attributes["units"]
    unit = units[0] if len(set(units)) == 1 else "that of each node"
    coordinates: dict[str, Any] = {"node": texts(attributes["node_names"])}
    coordinates["unit"] = ("node", texts(units))
    sides = [*zip(axes.names, axes.sides, strict=True)]
    sides += zip(axes.of_image, image.shape[1:], strict=True)
    coordinates |= {name: np.arange(side) for name, side in sides}
    variables: dict[str, Any] = {"image": (("channel", *axes.of_image), image)}
    variables |= {
        name: (("node", *axes.names), values.astype(np.float32), {"unit": unit})
        for name, values in _maps(store, grid).items()
    }
    if grid is not None:
        coordinates |= {f"window_{a}": p for a, p in zip(axes.names, grid.axes, strict=True)}
        variables |= _window_variables(store, grid, axes, unit)
    kept = {key: value for key, value in attributes.items() if key not in _SAID_ELSEWHERE}
    attrs = {"kind": "attribution", "slot": slot, **kept, **store.totals()}
    return xarray.Dataset(variables, coords=coordinates, attrs=attrs)


def by_node(dataset: Any) -> tuple[Any, dict[str, tuple[int, ...]]]:
    """A store with a digest for every node, and its chunks, one for each node in one file."""
    names = [name for name in BY_NODE if name in dataset]
    digests = {
        f"{name}_digest": ("node", texts(row_digests(dataset[name].values))) for name in names
    }
    marked = dataset.assign(digests)
    marked.attrs["digests"] = {name: f"{name}_digest" for name in names}
    return marked, {name: (1, *dataset[name].shape[1:]) for name in names}


def _window_variables(
    store: WorkingStore, grid: WindowGrid, axes: _Axes, unit: str
) -> dict[str, Any]:
    """What Algorithm 1 averages; and draws of each window, where these differ."""
    names = tuple(f"window_{axis}" for axis in axes.names)
    variables: dict[str, Any] = {
        name: (("node", *names), _windows(store, grid, name), {"unit": unit})
        for name in ("window_score", "window_standard_error")
    }
    if "window_samples" in store.arrays:
        samples = _windows(store, grid, "window_samples")[0]
        variables["window_samples"] = (names, samples.astype(np.int32))
    return variables


def _maps(store: WorkingStore, grid: WindowGrid | None) -> dict[str, np.ndarray]:
    """Relevance and standard error of every pixel, (nodes, *spatial)."""
    if grid is None:
        relevance = store.read("relevance")[:, 0]
        return {"relevance": relevance, "standard_error": np.full_like(relevance, np.nan)}
    return {
        "relevance": grid.average(_windows(store, grid, "window_score")),
        "standard_error": grid.average_error(_windows(store, grid, "window_standard_error")),
    }


def _windows(store: WorkingStore, grid: WindowGrid, name: str) -> np.ndarray:
    """(nodes, *windows) values of an array; the windows of a vector are stored as one row."""
    values = store.read(name)
    return values.reshape(len(values), *grid.shape)


def _window_grid(settings: dict[str, Any], axes: _Axes) -> WindowGrid:
    return WindowGrid(axes.sides, settings["window"], settings["stride"])
