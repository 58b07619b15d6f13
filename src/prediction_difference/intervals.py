"""How sure a mean over images, or a share of them, is."""

import numpy as np
from scipy import stats

_RESAMPLES = 10_000
CONFIDENCE = 0.95


def interval_of_mean(
    values: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(images, ...) values -> (...) ends of a bootstrap interval of their mean over images.

    Images are drawn again with replacement, the same ones for all of `...`, and the interval is
    between percentiles of the means [efron1993, section 13.3], which are taken further out the
    fewer images there are, so that it is as long as Student's for normal values [hesterberg2015,
    section 4.4]. NaN for a single image.
    """
    count = len(values)
    if count < 2:
        unknown = np.full(values.shape[1:], np.nan)
        return unknown, unknown
    return _ends(_means_of_resamples(values, seed), confidence, count)


def students_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Ends of Student's interval of the mean of (n,) at least two independent normal numbers."""
    reach = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values)
    return float(values.mean() - reach), float(values.mean() + reach)


def interval_of_share(
    count: int, images: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Ends of Wilson's interval of a share of independent images [wilson1927]."""
    found = stats.binomtest(count, images).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def correlation_with_means(
    values: np.ndarray, others: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """(images, points) values, (points,) others -> correlation, and ends of a bootstrap interval.

    Pearson's, over the points, of the values' means over images with the others. Images are drawn
    again with replacement, the same ones for all points; the interval tells nothing of how few
    points there are. NaN where means or others are all alike; the ends also for a single image.
    """
    found = float(_correlations(values.mean(axis=0), others))
    if len(values) < 2:
        return found, (np.nan, np.nan)
    resamples = _correlations(_means_of_resamples(values, seed), others)
    low, high = _ends(resamples, confidence, len(values))
    return found, (float(low), float(high))


def _means_of_resamples(values: np.ndarray, seed: int) -> np.ndarray:
    """(images, ...) -> (resamples, ...)."""
    count = len(values)
    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=_RESAMPLES)
    return np.tensordot(drawn / count, values, axes=1)


def _ends(resamples: np.ndarray, confidence: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles of statistics of `count` images, as far out as Student's quantile is."""
    reach = stats.t.ppf((1 - confidence) / 2, count - 1) * np.sqrt(count / (count - 1))
    tail = stats.norm.cdf(reach)
    low, high = np.quantile(resamples, [tail, 1 - tail], axis=0)
    return low, high


def _correlations(means: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(..., points), (points,) -> (...)."""
    one, other = (part - part.mean(axis=-1, keepdims=True) for part in (means, others))
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other)
    alike = np.ptp(means, axis=-1) * np.ptp(others) == 0
    return np.where(alike, np.nan, (one @ other) / np.where(alike, 1, lengths))
