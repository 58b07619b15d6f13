"""Numbers of maps and tables that several claims are about."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.findings import Opened
from prediction_difference.evaluation.map_numbers import correlation

SIGNIFICANT = 0.05
"""Share of windows without any effect whose change chance alone makes significant."""


def pairs_of(claim: Any, opened: Opened) -> list[tuple[Any, Any]]:
    """Stores of the same images by both explanations."""
    others = {store.attrs["image_name"]: store for store in opened[claim.than]}
    pairs = []
    for store in opened[claim.explanation]:
        name = store.attrs["image_name"]
        if name not in others:
            raise StoreError(
                f"explanation {claim.than}", f"has no map of {name}", "explain the same images"
            )
        pairs.append((store, others[name]))
    return pairs


def first_map(store: Any) -> np.ndarray:
    """(*spatial) relevance of the first node of an opened store."""
    found: np.ndarray = store["relevance"].values[0]
    return found


def windows_of(store: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores and standard errors of the windows of the first node.

    Raises:
        StoreError: the maps are not of windows, or no values were sampled.
    """
    if "window_score" not in store:
        raise StoreError(
            store.attrs["explanation"], "has no windows", "use method: prediction-difference"
        )
    score, error = store["window_score"].values[0], store["window_standard_error"].values[0]
    if not np.isfinite(error).all():
        raise StoreError(
            store.attrs["explanation"], "has no sampling error", "use a sampled engine"
        )
    return score, error


def differences(claim: Any, columns: Any) -> np.ndarray:
    """columns: a number of each image (row) for each explanation."""
    first, second = (column(columns, claim.evaluation, name) for name in claim.compared)
    return np.asarray(first - second)


def column(columns: Any, evaluation: str, explanation: str) -> Any:
    """The numbers of an explanation.

    Raises:
        StoreError: it was not measured.
    """
    if explanation not in columns:
        remedy = f"it has {', '.join(columns)}; make the evaluation again"
        raise StoreError(f"evaluation {evaluation}", f"did not measure {explanation!r}", remedy)
    return columns[explanation]


def map_of(store: Any, node: int | str) -> np.ndarray:
    """(*spatial) relevance of a node of an opened store."""
    return np.asarray(store["relevance"].values[number_of(store, node)])


def number_of(store: Any, node: int | str) -> int:
    """The number of a node of an opened store.

    Raises:
        StoreError: there is no such node.
    """
    names = [str(name) for name in store["node"].values] if isinstance(node, str) else []
    if isinstance(node, int) and node < store["relevance"].shape[0]:
        return node
    if node not in names:
        remedy = "correct the claim's node, or explain that node"
        raise StoreError(store.attrs["explanation"], f"has no node {node!r}", remedy)
    return names.index(str(node))


def alike(claim: Any, stores: Sequence[Any], of_same: bool) -> np.ndarray:
    """(images,) mean correlation of each map with those of images of the same, or another, label.

    Raises:
        StoreError: an image has none to be compared with.
    """
    maps = [map_of(store, claim.node).ravel() for store in stores]
    labels = np.array([str(store.attrs["label"]) for store in stores])
    table = np.array([[correlation(one, other) for other in maps] for one in maps])
    is_other = ~np.eye(len(maps), dtype=bool)
    is_compared = is_other & ((labels[:, None] == labels) == of_same)
    if not is_compared.any(axis=1).all():
        raise StoreError(
            stores[0].attrs["explanation"],
            "explains too few images of a label to compare them",
            "explain two or more images of each of two labels",
        )
    return np.array([row[some].mean() for row, some in zip(table, is_compared, strict=True)])
