"""A small cohort of volumes with columns, as several tests want it."""

import numpy as np

from prediction_difference.data.dataset import Dataset
from prediction_difference.data.source import Split
from prediction_difference.data.splits import assign_splits

SHAPE = (3, 4, 5)


def cohort(count=40, folds=4, effect=1.0, scanner_effect=0.0, patients=None, seed=0) -> Dataset:
    """Patients have lower values in a few voxels; the second scanner reads all too high."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(count) >= count - (patients or count // 2)).astype(np.int64)
    scanner = np.arange(count) % 3 == 0
    age = generator.normal(50, 9, count)
    images = generator.normal(1, 0.3, (count, 1, *SHAPE)).astype(np.float32)
    images[labels == 1, :, 0, :2] -= np.float32(effect * 0.3)
    images += np.float32(scanner_effect) * scanner[:, None, None, None, None]
    images += 0.02 * (age - 50).astype(np.float32)[:, None, None, None, None]
    names = tuple(f"sub-{n:02d}" for n in range(count))
    mask = np.ones(SHAPE, bool)
    mask[2, 3] = False
    split = assign_splits(labels, Split(folds=folds), seed, "cohort")
    columns = {
        "age": dict(zip(names, age.tolist(), strict=True)),
        "scanner": dict(zip(names, np.where(scanner, "B", "A").tolist(), strict=True)),
        "site": dict(zip(names, np.where(scanner, 2.0, 1.0).tolist(), strict=True)),
    }
    return Dataset(
        images,
        names,
        labels,
        split,
        ("control", "patient"),
        mask=mask,
        affine=np.eye(4),
        facts={"columns": columns},
        digest=f"cohort {count} {folds} {effect} {scanner_effect} {patients} {seed}",
    )
