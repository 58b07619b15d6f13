"""How sure a mean over images is."""

import numpy as np

_RESAMPLES = 2000
CONFIDENCE = 0.95


def interval_of_mean(
    values: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(images, ...) values -> (...) ends of a bootstrap interval of their mean over images.

    Images are drawn again with replacement, the same ones for all of `...`, and the interval is
    between percentiles of the means [efron1993, section 13.3]. NaN for a single image.
    """
    count = len(values)
    if count < 2:
        unknown = np.full(values.shape[1:], np.nan)
        return unknown, unknown
    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=_RESAMPLES)
    means = np.tensordot(drawn / count, values, axes=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high
