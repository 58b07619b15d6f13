"""Whether heatmaps are conservative, positive and unique [montavon2017, section 2, Table 1]."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.reading import open_attribution
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.measures.consistency import Consistency

_BINS = 60
"""Of histograms; even, so that no bin has numbers of both signs."""


def negative_share(relevance: np.ndarray) -> float:
    """What negative relevance has of all absolute relevance; 0 without any."""
    strength = np.abs(relevance, dtype=np.float64).sum()
    negative = np.abs(relevance.clip(max=0), dtype=np.float64).sum()
    return float(negative / strength) if strength else 0.0


def conservation_error(total: float, score: float) -> float:
    """|total - score| / |score|; 0 if both are 0, NaN if the score alone is."""
    if score == 0:
        return 0.0 if total == 0 else float("nan")
    return abs(total - score) / abs(score)


def outside_share(relevance: np.ndarray, box: Sequence[int] | None) -> float:
    """Share of all absolute relevance (y, x) outside of a box; NaN without a box.

    box: top, left, bottom and right, the last two outside.
    """
    if box is None:
        return float("nan")
    strength = np.abs(relevance, dtype=np.float64)
    top, left, bottom, right = box
    total = strength.sum()
    return float(1 - strength[top:bottom, left:right].sum() / total) if total else 0.0


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Half of the absolute differences of two maps, as a share of their mean strength: 0 to 1."""
    strength = (np.abs(one, dtype=np.float64) + np.abs(other, dtype=np.float64)).sum()
    return float(np.abs(one.astype(np.float64) - other).sum() / strength) if strength else 0.0


def edges(largest: float) -> np.ndarray:
    """Of the bins of a histogram from -largest to +largest."""
    return np.linspace(-1, 1, _BINS + 1) * (largest or 1.0)


def measure_consistency(
    settings: Consistency, name: str, stores: Mapping[str, Sequence[Path]], seed: int
) -> Any:
    """A data frame with one row per explanation and image.

    stores: attribution stores by explanation, also of those that `again` names; their first nodes
    are measured. Columns: explanation, method, image (its slot), image_name, score (of the
    explained class), total (of relevance), conservation (|total - score| / |score|), negative and
    outside (shares of absolute relevance: negative, and outside of the image's box), difference
    (mean over the explanations that `again` names; NaN without any), seconds and forwards (of the
    map), histogram (counts of pixels in `edges` of the explanation's largest, which is an
    attribute).

    Raises:
        StoreError: an image has no map by an explanation that `again` names.
    """
    import pandas

    opened = {n: [open_attribution(path) for path in paths] for n, paths in stores.items()}
    largest = {n: max(float(np.abs(_map(s)).max()) for s in some) for n, some in opened.items()}
    rows = []
    for explanation in settings.compared:
        others = [_by_image(opened[other]) for other in settings.again.get(explanation, ())]
        for store in opened[explanation]:
            relevance, node = _map(store), store.attrs["nodes"][0]
            total = float(relevance.sum(dtype=np.float64))
            counts, _ = np.histogram(relevance, edges(largest[explanation]))
            rows.append(
                {
                    "explanation": explanation,
                    "method": store.attrs["method"],
                    "image": store.attrs["slot"],
                    "image_name": store.attrs["image_name"],
                    "score": node["score"],
                    "total": total,
                    "conservation": conservation_error(total, node["score"]),
                    "negative": negative_share(relevance),
                    "outside": outside_share(relevance, store.attrs["box"]),
                    "difference": _mean_difference(store, others),
                    "seconds": store.attrs["seconds"],
                    "forwards": store.attrs["forwards"],
                    "histogram": counts.tolist(),
                }
            )
    table = pandas.DataFrame(rows)
    table.attrs = {
        "largest": largest,
        "units": {n: str(some[0]["unit"].values[0]) for n, some in opened.items()},
    }
    return table


def _map(store: Any) -> np.ndarray:
    found: np.ndarray = store["relevance"].values[0]
    return found


def _by_image(stores: Sequence[Any]) -> dict[str, Any]:
    return {store.attrs["image_name"]: store for store in stores}


def _mean_difference(store: Any, others: Sequence[Mapping[str, Any]]) -> float:
    name = store.attrs["image_name"]
    if any(name not in other for other in others):
        what = f"has no second map of {name}"
        raise StoreError(store.attrs["explanation"], what, "explain the same images again")
    found = [difference(_map(store), _map(other[name])) for other in others]
    return float(np.mean(found)) if found else float("nan")


def summarise_consistency(table: Any) -> Any:
    """A data frame with one row per explanation: means over images, and the number of these.

    Columns: explanation, method, images, conservation, negative, outside, difference, seconds.
    """
    measures = ["conservation", "negative", "outside", "difference", "seconds"]
    groups = table.groupby(["explanation", "method"], sort=False)
    means = groups[measures].mean()
    means.insert(0, "images", groups.size())
    return means.reset_index()
