"""Heatmaps summed up over regions, and how alike the images' totals are [samek2017, Fig. 3e]."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.reading import open_attribution
from prediction_difference.evaluation.measures.aggregation import Aggregation


def region_sums(relevance: np.ndarray, regions: int) -> np.ndarray:
    """(y, x) relevance -> (regions, regions) sums over a grid; sides differ by a pixel at most."""
    bands = np.array_split(relevance.astype(np.float64), regions, axis=0)
    return np.array(
        [[part.sum() for part in np.array_split(band, regions, axis=1)] for band in bands]
    )


def measure_aggregation(
    settings: Aggregation, name: str, stores: Mapping[str, Sequence[Path]], seed: int
) -> Any:
    """A data frame with one row per explanation, image and region.

    stores: attribution stores by explanation; their first nodes are measured. Columns: explanation,
    method, signed, image (its slot), image_name, class, row, column (of the region, from the upper
    left), relevance (its sum), total (of the image), score (of the explained class).
    """
    import pandas

    rows = []
    for explanation, paths in stores.items():
        for path in paths:
            store = open_attribution(path)
            sums = region_sums(store["relevance"].values[0], settings.regions)
            common = {
                "explanation": explanation,
                "method": store.attrs["method"],
                "signed": bool(store.attrs["signed"]),
                "image": store.attrs["slot"],
                "image_name": store.attrs["image_name"],
                "class": store.attrs["nodes"][0]["class"],
            }
            whole = {"total": sums.sum(), "score": store.attrs["nodes"][0]["score"]}
            rows += [
                {**common, "row": row, "column": column, "relevance": value, **whole}
                for (row, column), value in np.ndenumerate(sums)
            ]
    return pandas.DataFrame(rows)


def shares(part: Any) -> np.ndarray:
    """Rows of one explanation -> (regions, regions) shares of the relevance of all its images.

    Zeros where there is none: deconvolution of some networks is zero everywhere.
    """
    sums = part.pivot_table(index="row", columns="column", values="relevance", aggfunc="sum")
    found: np.ndarray = sums.to_numpy()
    return found / found.sum() if found.any() else found


def totals(part: Any) -> np.ndarray:
    """Rows of one explanation -> (images,) total relevance as multiples of the explained score.

    1 for every image where a method conserves the score.
    """
    images = part.drop_duplicates("image")
    found: np.ndarray = (images["total"] / images["score"]).to_numpy()
    return found


def variation(values: np.ndarray) -> float:
    """Coefficient of variation: standard deviation as a share of the mean; NaN for one value."""
    if len(values) < 2 or values.mean() == 0:
        return float("nan")
    return float(values.std(ddof=1) / abs(values.mean()))
