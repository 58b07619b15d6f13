"""What is said of a map: the attributes of its store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference import provenance
from prediction_difference.attribution.bench import Bench, Explained
from prediction_difference.attribution.nodes import Node, node_values
from prediction_difference.attribution.selection import describe_node
from prediction_difference.classifiers.unseen import WEIGHTS_FROM
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.geometry import geometry
from prediction_difference.stores import read_attributes


def describe(bench: Bench, one: Explained) -> dict[str, Any]:
    """Where a map comes from: image, method, inputs and versions."""
    settings = bench.explanation.model_dump(mode="json")
    card, dataset, prior = bench.card, bench.dataset, bench.explanation.prior_name
    return {
        "explanation": bench.name,
        "method": bench.explanation.method,
        "settings": settings,
        "dataset": card.dataset,
        "classifier": card.name,
        WEIGHTS_FROM: card.weights_from,
        "prior": prior,
        "patch": None if prior is None else bench.config.priors[prior].patch,
        "location": _location_of(bench.inputs.prior),
        "image_name": one.name,
        "image_index": one.index,
        "label": None if one.label < 0 else card.class_names[one.label],
        "split": one.split,
        "value_range": list(dataset.value_range),
        "box": _box_of(dataset, one.index),
        "affine": None if dataset.affine is None else dataset.affine.tolist(),
        "geometry": geometry(dataset),
        "device": bench.device.split(":")[0],
        "versions": provenance.versions(),
        "seed": bench.config.run.seed,
    }


def describe_nodes(
    bench: Bench,
    nodes: Sequence[Node],
    names: Sequence[str],
    values: np.ndarray,
    scores: np.ndarray,
) -> dict[str, Any]:
    """What is explained: nodes with their values, and units; and what the classifier says.

    values: of the nodes. scores: (K,) of the classes.
    """
    method, card, top = bench.explanation, bench.card, int(scores.argmax())
    return {
        "nodes": [
            describe_node(node, float(value), scores, card)
            for node, value in zip(nodes, values, strict=True)
        ],
        "node_names": list(names),
        "units": [method.unit_of(node) for node in nodes],
        "signed": method.is_signed,
        "predicted": card.class_names[top],
        "predicted_probability": float(node_values([Node.probability(top)], scores)[0]),
    }


def _box_of(dataset: Dataset, index: int) -> list[int] | None:
    """Sides of what the label is about: top, left, bottom, right; None where there is none."""
    if dataset.boxes is None or dataset.boxes[index].min() < 0:
        return None
    return [int(side) for side in dataset.boxes[index]]


def _location_of(store: Path | None) -> str | None:
    """What the prior took off for the place of a patch."""
    return None if store is None else str(read_attributes(store)["location"])
