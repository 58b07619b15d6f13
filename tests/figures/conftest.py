"""Attribution stores as the pipeline writes them, small enough to be looked through."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.methods.random import RandomOrder
from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.data.dataset import spatial_axes
from prediction_difference.figures.maps import Map
from prediction_difference.stores import write_store

MapMaker = Callable[..., Map]
StoreWriter = Callable[..., Path]

SETTINGS: dict[str, Method] = {
    "prediction-difference": PredictionDifference(
        method="prediction-difference", classifier="c", images=("a",), prior="patches", window=3
    ),
    "sensitivity": Sensitivity(method="sensitivity", classifier="c", images=("a",)),
    "random": RandomOrder(method="random", classifier="c", images=("a",)),
}
UNITS = {
    "prediction-difference": "bits",
    "sensitivity": "activation per unit of input",
    "random": "none",
}


def attributes_of(
    slot: str, explanation: str, method: str, affine: np.ndarray | None, **others: Any
) -> dict[str, Any]:
    node = {"kind": "probability", "layer": None, "unit": 1, "position": [], "value": 0.875}
    node |= {"class": "cat", "score": 2.0}
    attributes = {
        "slot": slot,
        "explanation": explanation,
        "method": method,
        "signed": method == "prediction-difference",
        "settings": SETTINGS[method].model_dump(mode="json"),
        "dataset": "animals",
        "classifier": "net",
        "weights_from": "here",
        "image_name": f"image of {slot}",
        "label": "cat",
        "predicted": "cat",
        "predicted_probability": 0.875,
        "split": "test",
        "seed": 7,
        "nodes": [node | {"probability": 0.875, "rank": 1}],
        "forwards": 360,
        "seconds": 0.5,
        "versions": {"numpy": "2"},
    }
    if affine is not None:
        attributes["affine"] = affine.tolist()
    return attributes | others


@pytest.fixture
def make_map() -> MapMaker:
    """A map of given relevance (*spatial), by default of the class cat of an image of noise."""

    def make(
        relevance: np.ndarray,
        slot: str = "correct-1",
        explanation: str = "evidence",
        method: str = "prediction-difference",
        image: np.ndarray | None = None,
        affine: np.ndarray | None = None,
        node: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> Map:
        noise = np.random.default_rng(1).uniform(0.1, 1, (1, *relevance.shape))
        attributes = attributes_of(slot, explanation, method, affine, **others)
        error = np.full(relevance.shape, np.nan if method != "prediction-difference" else 0.25)
        return Map(
            noise if image is None else image,
            relevance,
            error,
            UNITS[method],
            attributes["nodes"][0] | dict(node or {}),
            "probability of predicted",
            attributes,
        )

    return make


@pytest.fixture
def write_attribution(tmp_path: Path) -> StoreWriter:
    """Publish maps, one for each node, as an attribution store."""

    def write(maps: Sequence[Map]) -> Path:
        first = maps[0]
        axes = spatial_axes(first.relevance.ndim)
        store = xarray.Dataset(
            {
                "image": (("channel", *axes), first.image.astype(np.float32)),
                "relevance": (("node", *axes), np.stack([one.relevance for one in maps])),
                "standard_error": (("node", *axes), np.stack([m.standard_error for m in maps])),
            },
            coords={
                "node": np.array([f"node {n}" for n in range(len(maps))], np.dtypes.StringDType()),
                "unit": ("node", np.array([one.unit for one in maps], np.dtypes.StringDType())),
            },
            attrs={
                **first.attributes,
                "kind": "attribution",
                "nodes": [dict(one.node) for one in maps],
            },
        )
        path = tmp_path / "attributions" / first.explanation / f"{first.slot}.zarr"
        write_store(path, store)
        return path

    return write
