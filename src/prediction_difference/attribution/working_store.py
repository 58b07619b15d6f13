"""The store that jobs share while an image is being explained: every unit of work is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from prediction_difference.errors import StoreError
from prediction_difference.stores import publishing, raise_if_disk_full

_IMAGE, _SECONDS, _FORWARDS = "image", "part_seconds", "part_forwards"


@dataclass(frozen=True)
class WorkingStore:
    """Arrays (nodes, parts, ...) that are written one part at a time; disjoint, so without locks.

    A part is a row of windows, or a whole heatmap. It counts as finished once its seconds are
    there, which are written last; every write is atomic.
    """

    path: Path

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        image: np.ndarray,
        shapes: Mapping[str, tuple[int, ...]],
        attributes: Mapping[str, Any],
    ) -> "WorkingStore":
        """Open the store, or make it if no other job has.

        image: (C, *spatial), what is explained. shapes: (nodes, parts, ...) of every array; the
        number of parts is the same for all.
        """
        if not path.exists():
            with publishing(path, replace=False) as temporary:
                _create(temporary, image, shapes, attributes)
        return cls(path)

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self._open("r").attrs)

    def finished(self) -> np.ndarray:
        """(parts,) bool; a part whose record is damaged counts as unfinished."""
        seconds = _array(self._open("r"), _SECONDS)
        return np.array([_is_finite(seconds, part) for part in range(seconds.shape[0])])

    def write(
        self, part: int, values: Mapping[str, np.ndarray], seconds: float, forwards: int
    ) -> None:
        """Store one part: (nodes, ...) values for each array.

        Raises:
            StoreError: the disk is full; the part then counts as unfinished.
        """
        group = self._open("r+")
        try:
            for name, value in values.items():
                _array(group, name)[:, part] = value
            _array(group, _FORWARDS)[part] = forwards
            _array(group, _SECONDS)[part] = seconds
        except OSError as error:
            raise_if_disk_full(error, self.path)
            raise

    def read(self, name: str) -> np.ndarray:
        """(nodes, parts, ...) values of an array.

        Raises:
            StoreError: parts are missing or damaged.
        """
        missing = int((~self.finished()).sum())
        if missing:
            raise StoreError(
                self.path, f"{missing} of its parts are not computed yet", "run its chunks first"
            )
        values = self._read(name)
        # Only standard errors may be unknown: those of exact values.
        if not np.isfinite(values).all() and name != "window_standard_error":
            raise self._damaged(f"{name} is incomplete")
        return values

    @property
    def arrays(self) -> set[str]:
        """Names of the arrays that parts write."""
        return set(self._open("r").array_keys()) - {_IMAGE, _SECONDS, _FORWARDS}

    @property
    def image(self) -> np.ndarray:
        """(C, *spatial) what is explained."""
        return self._read(_IMAGE)

    def totals(self) -> dict[str, float]:
        """Seconds and forward passes of all parts."""
        return {
            "seconds": float(self._read(_SECONDS).sum()),
            "forwards": int(self._read(_FORWARDS).sum()),
        }

    def _read(self, name: str) -> np.ndarray:
        try:
            return np.asarray(_array(self._open("r"), name)[...])
        except RuntimeError as error:
            raise self._damaged(f"{name}: {error}") from error

    def _open(self, mode: Any) -> zarr.Group:
        try:
            return zarr.open_group(self.path, mode=mode)
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> StoreError:
        return StoreError(
            self.path, f"cannot be read ({reason})", "delete it and run its chunks again"
        )


def _is_finite(array: zarr.Array[Any], part: int) -> bool:
    try:
        return bool(np.isfinite(array[part]))
    except RuntimeError:
        return False


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array


def _create(
    path: Path,
    image: np.ndarray,
    shapes: Mapping[str, tuple[int, ...]],
    attributes: Mapping[str, Any],
) -> None:
    group = zarr.create_group(path, attributes=dict(attributes))
    group.create_array(_IMAGE, data=image)
    parts = next(iter(shapes.values()))[1]
    for name, shape in shapes.items():
        chunks = (shape[0], 1, *shape[2:])
        group.create_array(name, shape=shape, chunks=chunks, dtype="float32", fill_value=np.nan)
    group.create_array(_SECONDS, shape=(parts,), chunks=(1,), dtype="float64", fill_value=np.nan)
    group.create_array(_FORWARDS, shape=(parts,), chunks=(1,), dtype="int64", fill_value=0)
