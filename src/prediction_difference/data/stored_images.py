"""Images that stay in their store until they are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from prediction_difference.files import row_digests
from prediction_difference.stores import damaged


class Images(Protocol):
    """(n, C, *spatial) float32: an array, or images in a store."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    def __getitem__(self, key: Any, /) -> Any:
        """An image, or an array of those that a slice, a mask or numbers select."""

    def __iter__(self) -> Iterator[Any]:
        """One image after the other."""

    def min(self) -> Any:
        """Lowest value."""

    def max(self) -> Any:
        """Highest value."""


@dataclass(frozen=True)
class StoredImages:
    """Images of a published store, read and checked one by one.

    array: xarray variable (n, C, *spatial) whose values are not read yet. digests: of each image,
    as it was written. extent: lowest and highest value.
    """

    path: Path
    array: Any
    digests: Sequence[str]
    extent: tuple[float, float]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        """An image, or an array of those that a slice, a mask or numbers select.

        Raises:
            StoreError: one of them is not as it was written.
        """
        chosen = np.arange(self.shape[0])[key]
        if chosen.ndim == 0:
            return self._read(np.array([chosen]))[0]
        return self._read(chosen)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(self.shape[0]))

    def min(self) -> float:
        return self.extent[0]

    def max(self) -> float:
        return self.extent[1]

    def _read(self, chosen: np.ndarray) -> np.ndarray:
        try:
            images = np.asarray(self.array[chosen].values)
        except (OSError, RuntimeError, ValueError) as error:
            raise damaged(self.path) from error
        if row_digests(images) != tuple(self.digests[index] for index in chosen):
            raise damaged(self.path)
        return images
