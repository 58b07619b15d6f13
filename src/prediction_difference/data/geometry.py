"""Where the voxels of a dataset lie in the files that they were read from."""

from typing import Any

import numpy as np

from prediction_difference.data.dataset import Dataset
from prediction_difference.data.sources.simulated_fa import SHAPE as SIMULATED_SHAPE

_STANDARD_SPACE = 4
"""NIfTI's code for MNI 152 space, which simulated volumes are in."""


def geometry(dataset: Dataset) -> dict[str, Any] | None:
    """Shape, affine and codes of the whole volumes, JSON-like; None for photographs.

    shape: of a file, whatever slab was cut out. affine: (4, 4) voxel to mm of the file. first: the
    voxel of the file that is the images' first one. qform_code, sform_code: of the file.
    """
    if dataset.affine is None:
        return None
    facts, slab = dataset.facts, dataset.facts.get("slab")
    is_simulated = bool(facts.get("simulated"))
    first = [0, 0, 0]
    if slab is not None:
        first[int(slab["axis"])] = int(slab["start"])
    whole = SIMULATED_SHAPE if is_simulated else dataset.spatial
    affine = np.array(dataset.affine, dtype=np.float64)
    affine[:, 3] = affine @ [*(-step for step in first), 1]
    code = _STANDARD_SPACE if is_simulated else 0
    return {
        "shape": [int(side) for side in facts.get("volume_shape", whole)],
        "affine": affine.tolist(),
        "first": first,
        "qform_code": int(facts.get("qform_code", code)),
        "sform_code": int(facts.get("sform_code", code)),
    }
