"""scikit-learn's bundled UCI digits."""

import numpy as np

from prediction_difference.data.dataset import Catalogue, Dataset
from prediction_difference.data.sources.sklearn_digits import SklearnDigits
from prediction_difference.data.splits import assign_splits

_SCANS = 1797
"""Known without scikit-learn, whose import would be half of what Snakemake takes to start."""


def catalogue() -> Catalogue:
    """Names of all scans and digits."""
    names = tuple(f"digit-{number:04d}" for number in range(_SCANS))
    return Catalogue(names, tuple(str(digit) for digit in range(10)))


def load(settings: SklearnDigits, name: str, seed: int) -> Dataset:
    """1797 scans of handwritten digits, (1, 8, 8), 0 (paper) to 1 (ink)."""
    import sklearn
    from sklearn.datasets import load_digits

    scans = load_digits()
    known = catalogue()
    return Dataset(
        images=(scans.images / 16).astype(np.float32)[:, None],
        names=known.names,
        labels=scans.target.astype(np.int64),
        split=assign_splits(scans.target, settings, seed, name),
        class_names=known.class_names,
        sources={"scikit-learn": sklearn.__version__},
        facts={"full_scale": [0.0, 1.0]},
    )
