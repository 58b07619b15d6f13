"""Whether heatmaps belong to their images: correlation when these are turned [samek2017, Fig. 3c].

A map that only depends on the weights is the same for every image, so its correlation stays 1. A
map that follows the image turns with it: then its correlation with the turned map is high.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.heatmaps import maps_of
from prediction_difference.attribution.method import Given
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.reading import open_attribution
from prediction_difference.evaluation.bench import Bench
from prediction_difference.evaluation.map_numbers import correlation
from prediction_difference.evaluation.measures.image_specificity import ImageSpecificity
from prediction_difference.progress import track
from prediction_difference.run import Config


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """(..., y, x) -> the same shape, turned counter-clockwise about its middle.

    Values between pixels are interpolated linearly; beyond the edges those of the edges go on.
    """
    from scipy import ndimage

    found: np.ndarray = ndimage.rotate(
        pixels, degrees, axes=(-1, -2), reshape=False, order=1, mode="nearest"
    )
    return found


def measure_image_specificity(
    settings: ImageSpecificity,
    name: str,
    stores: Mapping[str, Sequence[Path]],
    config: Config,
    classifier: Path,
    device: str,
) -> Any:
    """A data frame with one row per explanation, image and angle, the unturned image's too.

    stores: attribution stores by explanation; the class of their first node is explained, whatever
    the turned image is taken for. Columns: explanation, method, signed, image (its slot),
    image_name, class, degrees, score (of the class), correlation (with the unturned image's map),
    following (with that map, turned alike), and of the first `kept` images pixels (C y x) and
    relevance (y x).

    Raises:
        StoreError: a store is missing, or explains another classifier.
    """
    import pandas

    bench = Bench(classifier, device)
    rows = [
        row
        for explanation, paths in stores.items()
        for number, path in enumerate(track(paths, f"{name}, {explanation}"))
        for row in _rows(settings, config, bench, open_attribution(path), number < settings.kept)
    ]
    table = pandas.DataFrame(rows)
    some = open_attribution(next(iter(stores.values()))[0])
    table.attrs = {
        "shape": list(some["image"].shape),
    }
    return table


def _rows(
    settings: ImageSpecificity, config: Config, bench: Bench, store: Any, is_kept: bool
) -> list[dict[str, Any]]:
    """The unturned image first."""
    attributes = store.attrs
    explanation = config.explanations[attributes["explanation"]]
    bench.refuse_another(store)
    node = attributes["nodes"][0]
    degrees = (0.0, *settings.degrees)
    images = np.stack([turned(store["image"].values, angle) for angle in degrees])
    module = bench.module(attributes["split"])
    nodes = [Node(node["kind"], node["unit"])] * len(images)
    given = Given(bench.device, config.run.seed)
    maps = maps_of(explanation, module, images, nodes, given)
    scores = bench.scores(images, attributes["split"])[:, node["unit"]]
    return [
        {
            "explanation": attributes["explanation"],
            "method": explanation.method,
            "signed": explanation.is_signed,
            "image": attributes["slot"],
            "image_name": attributes["image_name"],
            "class": node["class"],
            "degrees": angle,
            "score": float(score),
            "correlation": correlation(one, maps[0]),
            "following": correlation(one, turned(maps[0], angle)),
            "pixels": image.astype(np.float32).ravel() if is_kept else None,
            "relevance": one.astype(np.float32).ravel() if is_kept else None,
        }
        for angle, score, image, one in zip(degrees, scores, images, maps, strict=True)
    ]


def summarise_specificity(table: Any) -> Any:
    """A data frame with one row per explanation and image: means over the angles but 0.

    Columns: explanation, method, image, correlation, following.
    """
    is_turned = table["degrees"] != 0
    groups = table[is_turned].groupby(["explanation", "method", "image"], sort=False)
    return groups[["correlation", "following"]].mean().reset_index()
