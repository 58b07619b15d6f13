"""Accuracy with only the strong features of a class, and without them [kumar2017, Table 1].

Strong features are the pixels where the map of the true class is at least a share, the threshold,
of its own largest value. The paper does not say which; so there is a curve over it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.clear import class_maps
from prediction_difference.attribution.reading import open_attribution
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.bench import Bench
from prediction_difference.evaluation.measures.strong_features import StrongFeatures
from prediction_difference.intervals import interval_of_share
from prediction_difference.progress import track
from prediction_difference.run import Config

PARTS = ("full", "only", "without")


def strong(relevance: np.ndarray, threshold: float) -> np.ndarray:
    """(y, x) relevance -> bool, positive and at least a share of its largest value."""
    return np.asarray((relevance > 0) & (relevance >= threshold * relevance.max()))


def masked(image: np.ndarray, is_kept: np.ndarray, fill: float) -> np.ndarray:
    """(C, y, x) image whose other pixels have the value `fill`."""
    return np.where(is_kept, image, np.float32(fill))


def measure_strong_features(
    settings: StrongFeatures,
    name: str,
    stores: Mapping[str, Sequence[Path]],
    config: Config,
    classifier: Path,
    device: str,
) -> Any:
    """A data frame with one row per explanation, image, threshold and part of the image.

    stores: attribution stores by explanation, with a node of the label's class. Columns:
    explanation, method, image (its slot), image_name, label, threshold, part (full, only the strong
    features, without them), correct, share (of the pixels that are strong).

    Raises:
        StoreError: a store explains another classifier, or not the label's class; an image has no
            label that the classifier knows.
    """
    import pandas

    bench = Bench(classifier, device)
    rows = [
        row
        for explanation, paths in stores.items()
        for path in track(paths, f"{name}, {explanation}")
        for row in _rows(settings, bench, open_attribution(path))
    ]
    table = pandas.DataFrame(rows)
    table.attrs = {
        "accuracy": bench.card.accuracy,
    }
    return table


def _rows(settings: StrongFeatures, bench: Bench, store: Any) -> list[dict[str, Any]]:
    attributes = store.attrs
    bench.refuse_another(store)
    label = _label(attributes, bench)
    relevance, image = relevance_of_class(store, attributes["label"]), store["image"].values
    parts, images = [("full", 0.0, 1.0)], [image]
    for threshold in settings.thresholds:
        is_strong = strong(relevance, threshold)
        for part, is_kept in (("only", is_strong), ("without", ~is_strong)):
            parts.append((part, threshold, float(is_strong.mean())))
            images.append(masked(image, is_kept, settings.fill))
    predicted = bench.scores(images, attributes["split"]).argmax(1)
    common = {
        "explanation": attributes["explanation"],
        "method": attributes["method"],
        "image": attributes["slot"],
        "image_name": attributes["image_name"],
        "label": attributes["label"],
    }
    return [
        {
            **common,
            "part": part,
            "threshold": threshold,
            "correct": bool(found == label),
            "share": share,
        }
        for (part, threshold, share), found in zip(parts, predicted, strict=True)
    ]


def _label(attributes: Mapping[str, Any], bench: Bench) -> int:
    if attributes["label"] not in bench.card.class_names:
        where = f"{attributes['explanation']}, {attributes['slot']}"
        remedy = "explain images with a label that the classifier knows"
        raise StoreError(where, "has no label, so no decision is right", remedy)
    return bench.card.class_names.index(attributes["label"])


def relevance_of_class(store: Any, name: str) -> np.ndarray:
    """(y, x) of the class of this name.

    Raises:
        StoreError: it is not explained.
    """
    some = class_maps(store, least=1)
    if name in some.names:
        return np.asarray(some.maps[some.names.index(name)])
    where = f"{store.attrs['explanation']}, {store.attrs['slot']}"
    raise StoreError(where, f"does not explain the class {name!r}", "explain nodes {classes: all}")


def summarise_strong_features(table: Any, confidence: float = 0.95) -> Any:
    """A data frame with one row per explanation, part and threshold.

    Columns: explanation, method, part, threshold, images, accuracy, low, high (Wilson's interval of
    it), share (of the pixels that are strong, mean).
    """
    import pandas

    rows = []
    for key, part in table.groupby(["explanation", "method", "part", "threshold"], sort=False):
        count, right = len(part), int(part["correct"].sum())
        interval = interval_of_share(right, count, confidence)
        share = part["share"].mean()
        rows.append((*key, count, right / count, *interval, share))
    columns = ["explanation", "method", "part", "threshold"]
    return pandas.DataFrame(rows, columns=[*columns, "images", "accuracy", "low", "high", "share"])
