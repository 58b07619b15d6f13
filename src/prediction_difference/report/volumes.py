"""The maps of a cohort's volumes that its viewer offers, packed, and what it leaves out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from prediction_difference.errors import StoreError
from prediction_difference.figures import captions
from prediction_difference.figures.maps import Map, read_maps
from prediction_difference.progress import track
from prediction_difference.report import map_facts
from prediction_difference.report.catalogue import MEGABYTE, Room, megabytes
from prediction_difference.report.fallback import Strips, strips
from prediction_difference.report.packing import (
    Packed,
    PackedGreys,
    in_base64,
    pack,
    pack_greys,
)

ROOM = Room(page=128 * MEGABYTE, map=8 * MEGABYTE)
"""A map of a slab of 12 x 109 x 91 voxels takes 0.14 million letters, one of a whole brain 0.6."""
_HEADER_BYTES = 352


@dataclass(frozen=True)
class Grid:
    """Where the voxels of all volumes lie.

    affine: (4, 4) voxel to millimetre, RAS+; None where unknown. first: the voxel of the whole
    volume that is the first one here.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray | None
    first: tuple[int, int, int] = (0, 0, 0)

    @property
    def known_affine(self) -> np.ndarray:
        """The affine, or without one that by which voxels are millimetres."""
        return np.eye(4) if self.affine is None else self.affine

    @property
    def facts(self) -> dict[str, Any]:
        """What the page needs; `axes`: of each stored one the nearest world axis, -1 if opposed."""
        return {
            "shape": list(self.shape),
            "affine": self.known_affine.tolist(),
            "inverse": np.linalg.inv(self.known_affine).tolist(),
            "axes": nibabel.io_orientation(self.known_affine).astype(int).tolist(),
            "first": list(self.first),
            "has_place": self.affine is not None,
            "header": in_base64(self._nifti_header()),
        }

    def _nifti_header(self) -> bytes:
        """Of a NIfTI-1 file of float32; its numbers follow."""
        header = nibabel.Nifti1Header()
        header.set_data_shape(self.shape)
        header.set_data_dtype(np.float32)
        header.set_xyzt_units("mm")
        header.set_zooms(nibabel.affines.voxel_sizes(self.known_affine))
        header.set_sform(self.known_affine, code="aligned")
        header.set_data_offset(_HEADER_BYTES)
        return bytes(header.binaryblock).ljust(_HEADER_BYTES, b"\0")


@dataclass(frozen=True)
class Cohort:
    """What the viewer shows: JSON-like facts, packed contents by name, and what is not there.

    images: subjects and their brightness. stores: what all maps of a store share. maps: each with
    the numbers of its image and store, the `facets` that it is chosen by, and `limit`, the value
    of full colour. pictures: slices of each map. left_out: in words.
    """

    grid: Grid | None
    images: Sequence[Mapping[str, Any]]
    stores: Sequence[Mapping[str, Any]]
    maps: Sequence[Mapping[str, Any]]
    contents: Mapping[str, str]
    pictures: Sequence[Strips]
    left_out: Sequence[str]


@dataclass(frozen=True)
class _Known:
    """A map before its numbers are packed: its place in its store, and what is said of it."""

    path: Path
    place: int
    image: str
    facets: Mapping[str, str | None]
    facts: Mapping[str, Any]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for maps that are the same, such as those of the predicted class and the label."""
        return self.image, self.facets["explanation"], self.facets["node"]

    @property
    def scale(self) -> tuple[object, ...]:
        """Equal for maps that share a limit: those of an explanation, of all subjects."""
        facts = self.facts
        return self.facets["explanation"], self.facets["layer"], facts["unit"], facts["kind"]

    @property
    def largest(self) -> float:
        ends = (self.facts["smallest"], self.facts["largest"])
        return max(abs(end) for end in ends if end is not None) if any(ends) else 0.0


@dataclass
class _Packing:
    """What has been packed, and how many letters are left of the room."""

    room: Room
    left: int
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    stores: dict[Path, dict[str, Any]] = field(default_factory=dict)
    maps: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)
    pictures: list[Strips] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, some: _Known, one: Map, limit: float, link: str) -> None:
        """Pack a map, and its image where that is new; or note that there is no room."""
        numbers = {"relevance": pack(one.relevance.T)}
        if one.largest_error is not None:
            numbers["error"] = pack(one.standard_error.T)
        greys = None if some.image in self.images else pack_greys(one.image.mean(axis=0).T)
        pictures = strips(one, limit)
        size = sum(len(packed.text) for packed in numbers.values())
        reason = self._refusal(size, size + pictures.size + (len(greys.text) if greys else 0))
        if reason:
            self.refused[one.explanation, reason] += 1
            return
        if greys:
            self._add_image(some, greys)
        store = {"number": len(self.stores), **map_facts.of_store(one, link)}
        self.stores.setdefault(some.path, store)
        self.pictures.append(pictures)
        self._add_map(some, numbers, limit)

    def _refusal(self, size: int, whole: int) -> str:
        """Why a map is left out, or nothing. After the first one without room, all are."""
        if size > self.room.map:
            return f"since a map may take {megabytes(self.room.map)}"
        self.left -= whole
        if self.left < 0:
            self.left = 0
            return f"since this page may hold {megabytes(self.room.page)} of maps"
        return ""

    def _add_image(self, some: _Known, greys: PackedGreys) -> None:
        number = len(self.images)
        self.contents[f"greys-{number}"] = greys.text
        self.images[some.image] = {
            "number": number,
            "name": some.image,
            "title": some.image,
            "greys": f"greys-{number}",
            "low": greys.low,
            "high": greys.high,
            "peak": greys.peak,
        }

    def _add_map(self, some: _Known, numbers: Mapping[str, Packed], limit: float) -> None:
        number = len(self.maps)
        self.contents |= {f"{name}-{number}": packed.text for name, packed in numbers.items()}
        self.maps.append(
            {
                "image": self.images[some.image]["number"],
                "store": self.stores[some.path]["number"],
                "facets": some.facets,
                "limit": limit,
                "numbers": {
                    name: {"content": f"{name}-{number}", "exponent": packed.exponent}
                    for name, packed in numbers.items()
                },
                **some.facts,
            }
        )


def cohort(
    stores: Sequence[Path],
    first: tuple[int, int, int],
    link: Callable[[Path], str],
    room: Room = ROOM,
) -> Cohort:
    """Every map of a volume, as far as there is room, in the order of `stores`.

    first: the voxel of the whole volume where those of the stores begin. link: address of a store.
    Stores are read twice, one at a time: a cohort's maps need not fit in memory.

    Raises:
        StoreError: a store is missing, or its volumes lie on another grid than the first one's.
    """
    found = _look_through(stores, first)
    packing, limits = _Packing(room, room.page), _limits(found.known)
    by_store: dict[Path, list[_Known]] = {}
    for some in found.known:
        by_store.setdefault(some.path, []).append(some)
    for path, group in track(list(by_store.items()), "packing volumes"):
        maps = read_maps(path)
        for some in group:
            packing.add(some, maps[some.place], limits[some.scale], link(path))
    refused = packing.refused.items()
    return Cohort(
        found.grid,
        list(packing.images.values()),
        list(packing.stores.values()),
        packing.maps,
        packing.contents,
        packing.pictures,
        [
            *(f"{reason}: {captions.count(n, 'map')}." for reason, n in found.unfit.items()),
            *(f"{name}: {captions.count(n, 'map')}, {reason}." for (name, reason), n in refused),
        ],
    )


@dataclass(frozen=True)
class _Found:
    """All maps that fit the volumes, the grid of these, and how many do not fit, by reason."""

    known: Sequence[_Known]
    grid: Grid | None
    unfit: Mapping[str, int]


def _look_through(stores: Sequence[Path], first: tuple[int, int, int]) -> _Found:
    unfit: Counter[str] = Counter()
    known: dict[tuple[object, ...], _Known] = {}
    grid: Grid | None = None
    for path in track(stores, "looking through volumes"):
        for place, one in enumerate(read_maps(path)):
            if reason := _unfit(one):
                unfit[reason] += 1
                continue
            grid = _same_grid(grid, one, path, first)
            facets = {"image": one.image_name, **map_facts.facets(one)}
            some = _Known(path, place, one.image_name, facets, map_facts.of_map(one))
            known.setdefault(some.key, some)
    return _Found(list(known.values()), grid, unfit)


def _unfit(one: Map) -> str:
    """Why a map cannot be laid over its volume; empty if it can."""
    if one.removed_layer is not None:
        place = f"{one.explanation}, removed layer {one.removed_layer}"
        return f"{place} (its places are no voxels)"
    return f"{one.explanation} (no volumes)" if one.relevance.ndim != 3 else ""


def _same_grid(grid: Grid | None, one: Map, path: Path, first: tuple[int, int, int]) -> Grid:
    """The grid of all volumes before this one, which must be its grid as well."""
    x, y, z = one.relevance.shape
    own = Grid((x, y, z), one.affine, first)
    grid = own if grid is None else grid
    sides = own.shape, one.image.shape[1:]
    if sides != (grid.shape, grid.shape):
        what = f"its relevance and image have sides {sides[0]} and {sides[1]}, not {grid.shape}"
    elif not np.allclose(own.known_affine, grid.known_affine):
        what = "its affine is another one than that of the first volume"
    else:
        return grid
    raise StoreError(path, what, "delete it and make it again")


def _limits(known: Sequence[_Known]) -> dict[tuple[object, ...], float]:
    """Value of full colour by `scale`."""
    limits: dict[tuple[object, ...], float] = {}
    for some in known:
        limits[some.scale] = max(limits.get(some.scale, 0.0), some.largest)
    return limits
