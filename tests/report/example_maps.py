"""Maps as the pipeline makes them, small enough to be looked through."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.figures.maps import Map
from prediction_difference.report.tables import Stored

UNITS = {"prediction-difference": "bits", "sensitivity": "activation per unit of input"}


def settings_of(method: str, window: int, sampler: str) -> dict[str, Any]:
    choice: dict[str, Any] = {"classifier": "net", "images": ("one",)}
    if method == "sensitivity":
        return Sensitivity(method="sensitivity", **choice).model_dump(mode="json")
    if sampler == "conditional":
        choice["prior"] = "patches"
    return PredictionDifference(
        method="prediction-difference", sampler=sampler, window=window, **choice
    ).model_dump(mode="json")


def class_node(name: str = "cat", unit: int = 1, rank: int = 1, **others: Any) -> dict[str, Any]:
    return {
        "kind": "probability",
        "layer": None,
        "unit": unit,
        "class": name,
        "value": 0.5 / rank,
        "score": 3.0 - rank,
        "probability": 0.5 / rank,
        "rank": rank,
        **others,
    }


def layer_node(unit: int = 0, layer: str = "inner", value: float = 1.5) -> dict[str, Any]:
    nothing = {"class": None, "score": None, "probability": None, "rank": None}
    return {"kind": "feature_map", "layer": layer, "unit": unit, "value": value, **nothing}


def noise(seed: int, *sides: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=sides).astype(np.float32)


def example_map(
    relevance: np.ndarray,
    node: dict[str, Any] | None = None,
    *,
    image_name: str = "one",
    explanation: str = "evidence",
    method: str = "prediction-difference",
    sampler: str = "marginal",
    window: int = 3,
    image: np.ndarray | None = None,
    error: np.ndarray | None = None,
    **attributes: Any,
) -> Map:
    """A map of given relevance (*spatial); by default of the class cat, with standard errors."""
    node = class_node() if node is None else node
    is_drawn = method == "prediction-difference"
    if error is None:
        error = np.full(relevance.shape, 0.25 if is_drawn else np.nan, np.float32)
    if image is None:
        image = np.random.default_rng(1).uniform(0.1, 1, (1, *relevance.shape))
    name = f"map {node['unit']} of {node['layer']}" if node["layer"] else "probability of predicted"
    known = {
        "slot": "random-1",
        "explanation": explanation,
        "method": method,
        "signed": is_drawn,
        "settings": settings_of(method, window, sampler),
        "dataset": "animals",
        "classifier": "net",
        "weights_from": "here",
        "image_name": image_name,
        "label": "cat",
        "predicted": "cat",
        "predicted_probability": 0.5,
        "split": "test",
        "seed": 7,
        "forwards": 360,
        "seconds": 0.5,
        "versions": {"numpy": "2"},
    }
    return Map(image, relevance, error, UNITS[method], node, name, known | attributes)


def stored(*maps: Map, folder: str = "attributions") -> Stored:
    """The store of some maps of one image; no file is written."""
    nodes = [dict(one.node) for one in maps]
    together = [replace(one, attributes={**one.attributes, "nodes": nodes}) for one in maps]
    first = maps[0].attributes
    path = Path(folder, first["explanation"], f"{first['image_name']}.zarr")
    return Stored(path, together)
