"""What stands in the place of removed regions: noise, or an image that tells less."""

import numpy as np

from prediction_difference import randomness
from prediction_difference.choices import Perturbation
from prediction_difference.errors import DataError
from prediction_difference.priors.draws import Sampler


def replacements(
    perturbation: Perturbation,
    image: np.ndarray,
    regions: np.ndarray,
    *,
    region: int,
    repeats: int,
    value_range: tuple[float, float] = (0.0, 1.0),
    sampler: Sampler | None = None,
    seed: int = 0,
) -> np.ndarray:
    """(C, *spatial) image -> (repeats, C, *spatial) what pixels become where they are removed.

    uniform: every pixel of every channel its own draw in `value_range` [samek2017, section III-A].
    conditional: draws of `sampler`, whose windows are regions, for each of the (n, d) `regions`
    given the untouched image; other pixels are as they were. blur, mean: a Gaussian blur with the
    side of a region as its deviation, and the mean of each channel; the same in all repeats. What
    is drawn belongs to (seed, image, repeat), so all methods are compared under the same draws.

    Raises:
        DataError: the sampler is missing, or its windows are no regions.
    """
    match perturbation:
        case "uniform":
            key = randomness.image_key(seed, "perturbation", image)
            return np.stack([_noise(key, n, image, value_range) for n in range(repeats)])
        case "conditional":
            return _drawn(image, regions, region, repeats, sampler, seed)
        case "blur":
            from scipy.ndimage import gaussian_filter

            axes = tuple(range(1, image.ndim))
            return _alike(gaussian_filter(image, region, axes=axes, mode="nearest"), repeats)
        case "mean":
            axes = tuple(range(1, image.ndim))
            return _alike(np.broadcast_to(image.mean(axes, keepdims=True), image.shape), repeats)


def _noise(
    key: int, repeat: int, image: np.ndarray, value_range: tuple[float, float]
) -> np.ndarray:
    generator = randomness.generator(key, repeat)
    return generator.uniform(*value_range, size=image.shape).astype(image.dtype)


def _alike(image: np.ndarray, repeats: int) -> np.ndarray:
    return np.broadcast_to(image, (repeats, *image.shape))


def _drawn(
    image: np.ndarray,
    regions: np.ndarray,
    region: int,
    repeats: int,
    sampler: Sampler | None,
    seed: int,
) -> np.ndarray:
    if sampler is None or sampler.window != region:
        what = "is missing" if sampler is None else f"draws windows of side {sampler.window}"
        raise DataError("sampler", what, f"give one for windows of side region={region}")
    contents = sampler.sample(image.astype(np.float32), regions, repeats, seed)
    found = np.array(_alike(image, repeats))
    for corner, draws in zip(regions, contents, strict=True):
        place = tuple(slice(int(first), int(first) + region) for first in corner)
        found[(slice(None), slice(None), *place)] = draws
    return found
