"""The store that jobs share while an image is being explained: every unit of work is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from prediction_difference.errors import StoreError
from prediction_difference.files import array_digest, publishing, raise_if_unwritable
from prediction_difference.listings import appears

_IMAGE, _VALUES, _RECORD = "image", "part_values", "part_record"
_SECONDS, _FORWARDS, _CHECKSUM = range(3)
"""What the record of a part holds."""
_IMAGE_CHECKSUM, _PLACES = "image_checksum", "places"
"""Attributes of the store's own."""
ORIGIN = "origin"
"""The attribute that says what the parts are made from, as facts of an `Origin`."""
_CHECKSUM_DIGITS = 13
"""Of a hexadecimal digest: as many as a number in double precision holds."""


_UNREADABLE = (RuntimeError, ValueError, OSError)
"""What damaged or truncated files make Zarr raise."""


@dataclass(frozen=True)
class WorkingStore:
    """Arrays (nodes, parts, ...) that are written one part at a time; disjoint, so without locks.

    Those of a part lie in one file, one after the other along the first axis.

    A part is a row of windows, or a whole heatmap. It counts as finished once its record is there,
    which is written last and tells its seconds, its forward passes and the checksum of its values;
    every write is atomic.
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
        lengths of all axes but the first are the same for all.
        """
        # Where another job has just made it, a network file system may not list it yet; publishing
        # then finds out, and leaves that one as it is.
        if not path.exists():
            with publishing(path, replace=False) as temporary:
                _create(temporary, image, shapes, attributes)
        return cls(path)

    @property
    def attributes(self) -> dict[str, Any]:
        kept = dict(self._open("r").attrs)
        own = (_IMAGE_CHECKSUM, _PLACES)
        return {key: value for key, value in kept.items() if key not in own}

    def finished(self) -> np.ndarray:
        """(parts,) bool; a part whose record is missing or damaged counts as unfinished."""
        records = _array(self._open("r"), _RECORD)
        return np.array([_is_finite(records, part) for part in range(records.shape[0])])

    def damaged(self, parts: Iterable[int]) -> list[int]:
        """Which of these finished parts do not hold what was written."""
        group = self._open("r")
        return [part for part in parts if not self._is_whole(group, part)]

    def forget(self, parts: Iterable[int]) -> None:
        """Make parts unfinished, so that the next job computes them again."""
        group = self._open("r+")
        for part in parts:
            _array(group, _RECORD)[part] = np.nan

    def write(
        self, part: int, values: Mapping[str, np.ndarray], seconds: float, forwards: int
    ) -> None:
        """Store one part: (nodes, ...) values for each array.

        Raises:
            StoreError: the disk is full or cannot be written; the part then counts as unfinished.
        """
        group = self._open("r+")
        try:
            together = [np.asarray(values[name]) for name in _places(group)]
            _array(group, _VALUES)[:, part] = np.concatenate(together)
            _array(group, _RECORD)[part] = (seconds, forwards, _checksum(values))
        except OSError as error:
            raise_if_unwritable(error, self.path)
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
        values = self._read(_VALUES)[slice(*_places(self._open("r"))[name])]
        # Only standard errors may be unknown: those of exact values.
        if not np.isfinite(values).all() and name != "window_standard_error":
            raise self._unreadable(f"{name} is incomplete")
        return values

    @property
    def arrays(self) -> set[str]:
        """Names of the arrays that parts write."""
        return set(_places(self._open("r")))

    @property
    def image(self) -> np.ndarray:
        """(C, *spatial) what is explained.

        Raises:
            StoreError: it is damaged.
        """
        image = self._read(_IMAGE)
        if array_digest({_IMAGE: image}) != self._open("r").attrs.get(_IMAGE_CHECKSUM):
            raise self._unreadable("the image is damaged")
        return image

    def totals(self) -> dict[str, float]:
        """Seconds and forward passes of all parts."""
        records = self._read(_RECORD)
        return {
            "seconds": float(records[:, _SECONDS].sum()),
            "forwards": int(records[:, _FORWARDS].sum()),
        }

    def _is_whole(self, group: zarr.Group, part: int) -> bool:
        try:
            together = np.asarray(_array(group, _VALUES)[:, part])
            values = {name: together[slice(*place)] for name, place in _places(group).items()}
            return bool(_array(group, _RECORD)[part, _CHECKSUM] == _checksum(values))
        except _UNREADABLE:
            return False

    def _read(self, name: str) -> np.ndarray:
        try:
            return np.asarray(_array(self._open("r"), name)[...])
        except _UNREADABLE as error:
            raise self._unreadable(f"{name}: {error}") from error

    def _open(self, mode: Any) -> zarr.Group:
        appears(self.path / "zarr.json")
        try:
            group = zarr.open_group(self.path, mode=mode, zarr_format=3)
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise self._unreadable(error) from error
        if _PLACES not in group.attrs:
            raise self._unreadable("another version of the package made it")
        return group

    def _unreadable(self, reason: object) -> StoreError:
        return StoreError(self.path, f"cannot be read ({reason})", "delete it and start again")


def _is_finite(records: zarr.Array[Any], part: int) -> bool:
    try:
        return bool(np.isfinite(records[part]).all())
    except _UNREADABLE:
        return False


def _checksum(values: Mapping[str, np.ndarray]) -> float:
    """Of the values of a part as they are stored, with one kind of NaN."""
    stored = {name: np.asarray(value, dtype=np.float32) for name, value in values.items()}
    plain = {name: np.where(np.isnan(value), np.nan, value) for name, value in stored.items()}
    return float(int(array_digest(plain)[:_CHECKSUM_DIGITS], 16))


def _places(group: zarr.Group) -> dict[str, tuple[int, int]]:
    """Where the arrays lie along the first axis of the values, in order."""
    places: Any = group.attrs[_PLACES]
    return {name: (start, stop) for name, start, stop in places}


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
    lengths = [shape[0] for shape in shapes.values()]
    stops = np.cumsum(lengths).tolist()
    places = [
        [name, stop - length, stop]
        for name, length, stop in zip(shapes, lengths, stops, strict=True)
    ]
    own = {_IMAGE_CHECKSUM: array_digest({_IMAGE: image}), _PLACES: places}
    group = zarr.create_group(path, attributes={**attributes, **own})
    group.create_array(_IMAGE, data=image)
    (rest,) = {shape[1:] for shape in shapes.values()}
    group.create_array(
        _VALUES,
        shape=(sum(lengths), *rest),
        chunks=(sum(lengths), 1, *rest[1:]),
        dtype="float32",
        fill_value=np.nan,
    )
    parts = rest[0]
    group.create_array(_RECORD, shape=(parts, 3), chunks=(1, 3), dtype="float64", fill_value=np.nan)
