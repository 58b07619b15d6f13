"""What is to be computed for one image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Task:
    """What is to be computed for one image.

    image: (C, *spatial). shapes: (nodes, parts, ...) of the arrays. compute: part -> values of
    the arrays for it, and how many forward passes that took. prepared: seconds that this image took
    before its first part, which count as the first one's.
    """

    image: np.ndarray
    attributes: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    compute: Callable[[int], tuple[dict[str, np.ndarray], int]]
    prepared: float = 0.0

    @property
    def parts(self) -> int:
        return next(iter(self.shapes.values()))[1]
