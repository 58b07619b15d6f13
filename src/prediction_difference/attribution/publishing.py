"""From the working store of an image to the attribution store that everybody reads."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.job import what_matters
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.config import Config
from prediction_difference.data.dataset import Dataset, read_dataset, spatial_axes
from prediction_difference.errors import StoreError
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.stores import open_store, refuse_other_config, write_store

_SAID_ELSEWHERE = {"node_names", "units"}


def publish(
    config: Config,
    name: str,
    slot: str,
    dataset_path: Path,
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
    refuse_other_config(store.path, attributes["settings"], what_matters(wanted))
    dataset = read_dataset(dataset_path)
    if dataset.digest != attributes["dataset_digest"]:
        raise StoreError(
            store.path, f"was made from other data than {dataset_path}", "run it again"
        )
    write_store(output, _assemble(store, attributes, slot, dataset))


def _place(slot: str, done: Sequence[Path]) -> str:
    """Name of the working store of a slot, on which all chunks must agree."""
    places = {json.loads(file.read_text(encoding="utf-8"))["stores"].get(slot) for file in done}
    if len(places) != 1 or None in places:
        raise StoreError(
            slot, "its chunks were made from different inputs", "delete their done-files and rerun"
        )
    return str(places.pop())


def _assemble(store: WorkingStore, attributes: dict[str, Any], slot: str, dataset: Dataset) -> Any:
    import xarray

    image = dataset.images[attributes["image_index"]]
    axes = spatial_axes(image.ndim - 1)
    names = np.array(attributes["node_names"], dtype=np.dtypes.StringDType())
    units = np.array(attributes["units"], dtype=np.dtypes.StringDType())
    coordinates: dict[str, Any] = {"node": names, "unit": ("node", units)}
    coordinates |= {a: np.arange(side) for a, side in zip(axes, image.shape[1:], strict=True)}
    variables: dict[str, Any] = {"image": (("channel", *axes), image)}
    if "window_score" in store.arrays:
        settings = attributes["settings"]
        grid = WindowGrid(image.shape[1:], settings["window"], settings["stride"])
        window_axes = tuple(f"window_{axis}" for axis in axes)
        coordinates |= dict(zip(window_axes, grid.axes, strict=True))
        score, error = store.read("window_score"), store.read("window_standard_error")
        variables |= {
            "relevance": (("node", *axes), grid.average(score).astype(np.float32)),
            "standard_error": (("node", *axes), grid.average_error(error).astype(np.float32)),
            "window_score": (("node", *window_axes), score),
            "window_standard_error": (("node", *window_axes), error),
        }
    else:
        relevance = store.read("relevance")[:, 0]
        exact = np.full_like(relevance, np.nan)
        variables["relevance"] = (("node", *axes), relevance)
        variables["standard_error"] = (("node", *axes), exact)
    unit = attributes["units"][0] if len(set(attributes["units"])) == 1 else "see coordinate unit"
    for name in ("relevance", "standard_error"):
        variables[name] = (*variables[name], {"units": unit})
    kept = {key: value for key, value in attributes.items() if key not in _SAID_ELSEWHERE}
    if dataset.affine is not None:
        kept["affine"] = dataset.affine.tolist()
    return xarray.Dataset(
        variables,
        coords=coordinates,
        attrs={"kind": "attribution", "slot": slot, **kept, **store.totals()},
    )


def open_attribution(path: Path) -> Any:
    """Open an attribution store as a lazy xarray Dataset; see design of stores in the README.

    Raises:
        StoreError: nothing complete is there, or it is another kind of store.
    """
    return open_store(Path(path), "attribution")
