"""How complex heatmaps are: how far they compress, and their entropy [samek2017, Fig. 5]."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.reading import open_attribution
from prediction_difference.evaluation.measures.complexity import HeatmapComplexity

_LEVELS = 256
_JPEG_QUALITY = 75


def grey_levels(relevance: np.ndarray, is_signed: bool) -> np.ndarray:
    """(y, x) relevance -> (y, x) uint8, linear: 0 is black, or with signs the middle grey.

    The largest absolute value is white, and with signs its opposite is black.
    """
    largest = np.abs(relevance).max()
    share = relevance / largest if largest > 0 else np.zeros_like(relevance)
    share = (share + 1) / 2 if is_signed else share
    return np.asarray(np.rint((_LEVELS - 1) * share), dtype=np.uint8)


def entropy(grey: np.ndarray) -> float:
    """Shannon entropy of the grey levels, in bits."""
    p = np.bincount(grey.ravel(), minlength=_LEVELS) / grey.size
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def file_bytes(grey: np.ndarray, kind: str) -> int:
    """Size of the file, PNG as small as it gets, or JPEG of quality 75."""
    from PIL import Image

    options: dict[str, Any] = {"optimize": True}
    if kind == "JPEG":
        options["quality"] = _JPEG_QUALITY
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, kind, **options)
    return len(buffer.getvalue())


def measure_complexity(
    settings: HeatmapComplexity, name: str, stores: Mapping[str, Sequence[Path]], seed: int
) -> Any:
    """A data frame with one row per explanation and image: png_bytes, jpeg_bytes, entropy (bits).

    stores: attribution stores by explanation; their first nodes are measured.
    """
    import pandas

    rows = []
    for explanation, paths in stores.items():
        for path in paths:
            store = open_attribution(path)
            grey = grey_levels(store["relevance"].values[0], store.attrs["signed"])
            rows.append(
                {
                    "explanation": explanation,
                    "method": store.attrs["method"],
                    "image": store.attrs["slot"],
                    "image_name": store.attrs["image_name"],
                    "png_bytes": file_bytes(grey, "PNG"),
                    "jpeg_bytes": file_bytes(grey, "JPEG"),
                    "entropy": entropy(grey),
                }
            )
    return pandas.DataFrame(rows)
