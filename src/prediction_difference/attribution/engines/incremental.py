"""Exact recomputation of only what a window changes."""

from typing import TYPE_CHECKING

import numpy as np

from prediction_difference.attribution.engines.dense import DenseEngine, Precision
from prediction_difference.attribution.engines.protocol import Prepared

if TYPE_CHECKING:
    from torch import nn


class IncrementalEngine:
    """Recomputes what a window changes; dense where it cannot follow the network."""

    def __init__(
        self,
        module: "nn.Module",
        device: str = "cpu",
        batch_size: int | None = None,
        precision: Precision = "float32",
        only_if_it_pays: bool = False,
    ):
        self._dense = DenseEngine(module, device, batch_size, precision)

    def prepare(self, image: np.ndarray) -> Prepared:
        """(C, *spatial) -> the image, run once; see `Engine`."""
        return self._dense.prepare(image)
