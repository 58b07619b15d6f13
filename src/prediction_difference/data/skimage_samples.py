"""Photographs that scikit-image brings along, for a prior where nobody has others."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from prediction_difference.data.dataset import UNLABELLED
from prediction_difference.data.folders import Collection

FILES: tuple[str, ...] = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "motorcycle_left.png",
    "rocket.jpg",
)
"""Of scikit-image's data, the photographs that are in its package, without the pictures of
measurements and without the second view of the motorcycle."""


def find() -> Collection:
    """All of them, without classes; some are grey."""
    # Asking the package itself would import all that it is made of.
    package = find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    root = Path(package.origin).parent / "data"
    labels = np.full(len(FILES), UNLABELLED, dtype=np.int64)
    return Collection(root, FILES, labels, (), facts={"scikit-image": version("scikit-image")})
