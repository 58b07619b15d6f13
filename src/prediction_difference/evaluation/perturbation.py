"""Region perturbation: how fast a class disappears when relevant regions are removed."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from prediction_difference import randomness
from prediction_difference.errors import DataError

Order = Literal["morf", "lerf"]


def region_order(
    relevance: np.ndarray, region: int, order: Order = "morf", seed: int = 0
) -> np.ndarray:
    """(*spatial) relevance -> (L, d) first pixels of all regions, in the order of removal.

    Regions of side `region` lie on a grid without overlap from the first pixel on; a partial
    border is left out. A region's score is the sum of its relevance [samek2017, eqs. 9, 10].
    Regions of equal score come in a random order that `seed` fixes.

    Raises:
        DataError: no region fits inside the image.
    """
    cells = tuple(side // region for side in relevance.shape)
    if min(cells) == 0:
        raise DataError(
            f"region={region}",
            f"does not fit inside an image of {' x '.join(map(str, relevance.shape))}",
            f"set region to at most {min(relevance.shape)}",
        )
    covered = relevance[tuple(slice(0, count * region) for count in cells)].astype(np.float64)
    blocks = covered.reshape([n for count in cells for n in (count, region)])
    score = blocks.sum(axis=tuple(range(1, 2 * len(cells), 2))).ravel()
    ties = randomness.generator(randomness.key(seed, "ties")).random(len(score))
    ranking = np.lexsort((ties, -score if order == "morf" else score))
    return np.stack(np.unravel_index(ranking, cells), axis=-1) * region


def perturbation_curves(
    classifier: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    relevance: np.ndarray,
    *,
    region: int = 9,
    steps: int = 100,
    repeats: int = 10,
    order: Order = "morf",
    value_range: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
) -> np.ndarray:
    """F of an image while regions are replaced by noise, one after the other [samek2017, eq. 11].

    classifier: (N, C, *spatial) -> (N,) values f. image: (C, *spatial). relevance: (*spatial).
    Returns (repeats, steps + 1) values; the first is that of the untouched image. Every pixel of
    a removed region gets its own uniform draw in `value_range`; the draws belong to (seed, image,
    repeat), so all methods are compared under the same noise.

    Raises:
        DataError: more steps than regions, or relevance of another size than the image.
    """
    if relevance.shape != image.shape[1:]:
        raise DataError(
            f"relevance of shape {relevance.shape}",
            f"does not belong to an image of shape {image.shape}",
            "give one number per pixel",
        )
    regions = region_order(relevance, region, order, seed)
    if steps > len(regions):
        raise DataError(
            f"steps={steps}", f"there are {len(regions)} regions", "lower steps, or region"
        )
    removed_at = np.full(image.shape[1:], steps + 1)
    for step, corner in enumerate(regions[:steps], start=1):
        removed_at[tuple(slice(first, first + region) for first in corner)] = step
    removed = removed_at <= np.arange(steps + 1).reshape(-1, *(1,) * removed_at.ndim)
    key = randomness.image_key(seed, "perturbation", image)
    curves = [
        classifier(np.where(removed[:, None], _noise(key, n, image, value_range), image))
        for n in range(repeats)
    ]
    return np.stack(curves)


def _noise(
    key: int, repeat: int, image: np.ndarray, value_range: tuple[float, float]
) -> np.ndarray:
    generator = randomness.generator(key, repeat)
    return generator.uniform(*value_range, size=image.shape).astype(image.dtype)


def aopc(curves: np.ndarray) -> np.ndarray:
    """(..., L + 1) perturbation curves -> (...) area over them [samek2017, eq. 12].

    The mean over k = 0..L of f(x) - f(x^(k)); its mean over images is the AOPC of a method.
    """
    return np.asarray((curves[..., :1] - curves).mean(axis=-1))
