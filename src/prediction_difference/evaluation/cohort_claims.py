"""What is said of maps of many subjects [zintgraf2017, section 4.2], as numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prediction_difference.classifiers import unseen
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claims.accuracy import ReachesAccuracy
from prediction_difference.evaluation.claims.distinct_classes import DistinctClasses
from prediction_difference.evaluation.claims.finds_damage import FindsDamage
from prediction_difference.evaluation.claims.less_scattered import LessScattered
from prediction_difference.evaluation.claims.specific_to_image import SpecificToImage
from prediction_difference.evaluation.claims.within_time import WithinTime
from prediction_difference.evaluation.findings import Measured, Opened
from prediction_difference.evaluation.map_numbers import (
    clusters,
    correlation,
    neighbour_correlation,
)


def accuracy(claim: ReachesAccuracy, opened: Opened) -> Measured:
    """Of the subjects of held-out splits, each of which is right (1) or not (0); or of cohorts."""
    if claim.evaluation is not None:
        values = _accuracies(opened[claim.evaluation], claim.evaluation)
        return Measured(values, "accuracy of a cohort, out of fold", "", claim.published, "equal")
    (name,) = claim.classifier_names
    table = opened[name]
    values = (table["predicted"] == table["label"]).to_numpy().astype(float)
    quantity = f"share of {unseen.noun(table.attrs)}s that {name} gets right"
    quantity += f". {doubt}" if (doubt := unseen.of_images(table.attrs, name)) else ""
    return Measured(values, quantity, "", claim.published, "equal", True)


def _accuracies(table: Any, evaluation: str) -> np.ndarray:
    """(cohorts,) of a table of measure location or cohort-accuracy.

    Raises:
        StoreError: several classifiers or effects were tried.
    """
    if table.attrs["settings"]["measure"] == "location":
        from prediction_difference.evaluation.location import ACCURACY, by_cohort

        return np.asarray(by_cohort(table, ACCURACY)).ravel()
    if table["cohort"].duplicated().any():
        what = "tries several classifiers or effects, of which a claim takes one"
        raise StoreError(f"evaluation {evaluation}", what, "leave out its C and effects")
    return np.asarray(table["accuracy"])


def finds_damage(claim: FindsDamage, opened: Opened) -> Measured:
    """Per cohort: how much more often the map of a patient who was hit has more in the region."""
    from prediction_difference.evaluation.location import AUC, by_cohort

    areas = by_cohort(opened[claim.evaluation], AUC)
    for method in claim.compared:
        if method not in areas:
            remedy = "make the evaluation again"
            raise StoreError(
                f"evaluation {claim.evaluation}", f"did not measure {method!r}", remedy
            )
    quantity = f"area under the curve of {claim.method} less that of {claim.than}, by cohort"
    return Measured((areas[claim.method] - areas[claim.than]).to_numpy(), quantity, "")


def within_time(claim: WithinTime, opened: Opened) -> Measured:
    """Seconds that each map took, as its store says."""
    values = np.array([float(store.attrs["seconds"]) for store in opened[claim.explanation]])
    return Measured(values, "time for an image", "s", claim.seconds, sense="below")


def less_scattered(claim: LessScattered, pairs: Sequence[tuple[Any, Any]]) -> Measured:
    """How alike neighbours are, or in how many clusters the strong ones lie, beside another map."""
    both = [[_scatter(claim, store) for store in pair] for pair in pairs]
    values = np.array([this - that for this, that in both])
    if claim.by == "neighbours":
        quantity = f"correlation of neighbours less that of {claim.than}"
        return Measured(values, quantity, "")
    quantity = (
        f"clusters for 100 voxels above {claim.hide_below:.0%} of the largest, less those of "
        f"{claim.than}"
    )
    return Measured(values, quantity, "", sense="below")


def _scatter(claim: LessScattered, store: Any) -> float:
    relevance = _map(store, claim.node)
    if claim.by == "clusters":
        return clusters(relevance, claim.hide_below)
    return neighbour_correlation(relevance, (store["image"].values != 0).any(axis=0))


def image_specific(claim: SpecificToImage, opened: Opened) -> Measured:
    """Correlation with maps of other images of one class, less that of another explanation."""
    this, that = (_alike(claim, opened[name], True) for name in claim.compared)
    quantity = f"mean correlation with maps of other images of the class, less that of {claim.than}"
    return Measured(this - that, quantity, "", sense="below")


def distinct_classes(claim: DistinctClasses, opened: Opened) -> Measured:
    """Correlation with maps of images of the same label, less that with the others'."""
    stores = opened[claim.explanation]
    values = _alike(claim, stores, True) - _alike(claim, stores, False)
    quantity = "mean correlation with maps of the same label, less that with maps of others"
    return Measured(values, f"{quantity}, {_named(stores[0], claim.node)}", "")


def _alike(claim: Any, stores: Sequence[Any], of_same: bool) -> np.ndarray:
    """(images,) mean correlation of each map with those of images of the same, or another, label.

    Raises:
        StoreError: an image has none to be compared with.
    """
    maps = [_map(store, claim.node).ravel() for store in stores]
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


def _map(store: Any, node: int | str) -> np.ndarray:
    return np.asarray(store["relevance"].values[_number(store, node)])


def _number(store: Any, node: int | str) -> int:
    names = [str(name) for name in store["node"].values] if isinstance(node, str) else []
    if isinstance(node, int) and node < store["relevance"].shape[0]:
        return node
    if node not in names:
        remedy = "correct the claim's node, or explain that node"
        raise StoreError(store.attrs["explanation"], f"has no node {node!r}", remedy)
    return names.index(str(node))


def _named(store: Any, node: int | str) -> str:
    return node if isinstance(node, str) else str(store["node"].values[node])
