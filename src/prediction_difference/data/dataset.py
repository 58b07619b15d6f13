"""A dataset as every later stage sees it, and its Zarr store."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data.stored_images import Images, StoredImages
from prediction_difference.errors import DataError
from prediction_difference.files import row_digests
from prediction_difference.manifest import Origin
from prediction_difference.stores import open_store, texts, write_store

TEST = "test"
TRAIN = "train"
UNLABELLED = -1
_BYTES_PER_CHUNK = 4 * 2**20


@dataclass(frozen=True)
class Catalogue:
    """What is known of a dataset before its images are read.

    labels: class numbers of the images, -1 where unknown. paths: the images' own files. Both are
    empty where only reading tells, or a file holds many images. columns: what else is known of the
    images, by name: numbers, or texts, one an image; None where a value is missing.
    """

    names: tuple[str, ...]
    class_names: tuple[str, ...]
    labels: tuple[int, ...] = ()
    paths: tuple[Path, ...] = ()
    columns: Mapping[str, tuple[str | float | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """Images with labels and splits.

    images: (n, C, *spatial) float32, as a person would look at them: 0 to 1 where the source has
        a full scale. names: n unique names. labels: (n,) class numbers, -1 where unknown.
    split: (n,) names; "train" is never explained, every other name is a held-out part: what
        explains an image was fitted on the images of all other splits.
    mask: (*spatial) bool, the pixels that count, or None for all.
    boxes: (n, 4) top, left, bottom and right, both outside, of what an image's label is about, -1
        where there is none; or None where that is not known.
    affine: (4, 4) voxel to millimetre of the stored grid, for volumes; None for photographs.
    sources: name of each source file (or package) and its sha256 (or version). files: names in
        `sources` of the images' own files; none where a file holds many images.
    """

    images: Images
    names: tuple[str, ...]
    labels: np.ndarray
    split: tuple[str, ...]
    class_names: tuple[str, ...]
    mask: np.ndarray | None = None
    boxes: np.ndarray | None = None
    affine: np.ndarray | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def spatial(self) -> tuple[int, ...]:
        """Sides of an image without its channels."""
        return tuple(self.images.shape[2:])

    @property
    def channels(self) -> int:
        return int(self.images.shape[1])

    @cached_property
    def held_out_splits(self) -> tuple[str, ...]:
        """Splits whose images may be explained, in order."""
        return tuple(sorted(set(self.split) - {TRAIN}))

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """Lowest and highest value of the images' scale: the source's, or what occurs."""
        low, high = self.facts.get("full_scale") or (self.images.min(), self.images.max())
        return float(low), float(high)

    @cached_property
    def file_checksums(self) -> tuple[str, ...]:
        """Of each image's own file; empty texts where a file holds many."""
        return tuple(self.sources[file] for file in self.files) or ("",) * len(self.names)

    @cached_property
    def pixel_digests(self) -> tuple[str, ...]:
        """Of each image's values."""
        if isinstance(self.images, StoredImages):
            return tuple(self.images.digests)
        return row_digests(self.images[:])

    def column(self, name: str) -> tuple[str | float | None, ...]:
        """What a column of the cohort says of each image: numbers or texts, None where missing.

        Raises:
            DataError: there is no such column.
        """
        columns = self.facts.get("columns", {})
        if name not in columns:
            known = ", ".join(columns) or "none"
            raise DataError(f"column {name!r}", "is not in the dataset", f"it has {known}")
        return tuple(columns[name].get(image) for image in self.names)

    def in_split(self, split: str) -> np.ndarray:
        """(n,) bool: images of a split."""
        return np.array([s == split for s in self.split])

    def index(self, name: str) -> int:
        """Position of an image.

        Raises:
            DataError: there is no image of that name.
        """
        if name not in self.names:
            few = ", ".join(self.names[:5])
            raise DataError(f"image {name!r}", "is not in the dataset", f"names are like {few}")
        return self.names.index(name)


def check_dataset(dataset: Dataset, where: str) -> None:
    """Refuse what no later stage could work with.

    Raises:
        DataError: no images, a value that is not finite, or two images of one name.
    """
    if len(dataset.names) == 0:
        raise DataError(where, "the dataset holds no images", "add images, or correct the path")
    for name, image in zip(dataset.names, dataset.images, strict=True):
        if not np.isfinite(image).all():
            raise DataError(f"{where}: {name}", "holds NaN or infinite values", "mend or remove it")
    if len(set(dataset.names)) != len(dataset.names):
        seen: set[str] = set()
        twice = next(n for n in dataset.names if n in seen or seen.add(n))  # type: ignore[func-returns-value]
        raise DataError(f"{where}: {twice}", "two images have this name", "rename one")


def write_dataset(
    dataset: Dataset,
    path: Path,
    origin: Origin | None = None,
) -> None:
    """Publish a dataset as a Zarr store; origin: what it was made from."""
    import xarray

    axes = spatial_axes(len(dataset.spatial))
    images = dataset.images[:]
    variables: dict[str, Any] = {"images": (("image", "channel", *axes), images)}
    if dataset.mask is not None:
        variables["mask"] = (axes, dataset.mask)
    if dataset.affine is not None:
        variables["affine"] = (("row", "column"), dataset.affine)
    if dataset.boxes is not None:
        variables["boxes"] = (("image", "side"), dataset.boxes.astype(np.int64))
    used = dataset.in_split(TRAIN)
    mean, std = channel_moments(images, used if used.any() else ~used)
    store = xarray.Dataset(
        variables,
        coords={
            "image": texts(dataset.names),
            "label": ("image", dataset.labels.astype(np.int64)),
            "split": ("image", texts(dataset.split)),
            "pixel_digest": ("image", texts(dataset.pixel_digests)),
            **({"file": ("image", texts(dataset.files))} if dataset.files else {}),
        },
        attrs={
            "kind": "dataset",
            "digests": {"images": "pixel_digest"},
            "extent": [float(images.min()), float(images.max())],
            "class_names": list(dataset.class_names),
            "normalisation": {
                "mean": mean.tolist(),
                "std": std.tolist(),
            },
            "sources": dict(dataset.sources),
            "facts": dict(dataset.facts),
        },
    )
    image_shape = images.shape[1:]
    per_chunk = max(1, _BYTES_PER_CHUNK // max(1, 4 * math.prod(image_shape)))
    chunks = {"images": (min(per_chunk, len(dataset.names)), *image_shape)}
    write_store(path, store, chunks, origin)


def channel_moments(images: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, C, *spatial), (n,) bool -> (C,) mean and (C,) standard deviation of the used images."""
    axes = tuple(range(1, images.ndim - 1))
    # Image by image: a double-precision copy of a large dataset would not fit in memory.
    sums = [
        (image.mean(axes, dtype=np.float64), np.square(image, dtype=np.float64).mean(axes))
        for image in (images[index] for index in np.flatnonzero(used))
    ]
    mean, square = (np.mean(part, axis=0) for part in zip(*sums, strict=True))
    return mean, np.sqrt(np.maximum(square - mean**2, 0))


def read_dataset(path: Path) -> Dataset:
    """Read a dataset from its store.

    Raises:
        StoreError: the store is missing, incomplete or of another kind.
    """
    store = open_store(path, "dataset")
    return _dataset(store, store["images"].values)


def open_dataset(path: Path) -> Dataset:
    """Read a dataset from its store, but for the images, which are read one by one when needed.

    Raises:
        StoreError: the store is missing, incomplete or of another kind.
    """
    store = open_store(path, "dataset", later=("images",))
    digests = tuple(str(one) for one in store["pixel_digest"].values)
    low, high = store.attrs["extent"]
    return _dataset(store, StoredImages(path, store["images"], digests, (low, high)))


def _dataset(store: Any, images: Images) -> Dataset:
    return Dataset(
        images=images,
        names=tuple(str(name) for name in store["image"].values),
        labels=store["label"].values,
        split=tuple(str(split) for split in store["split"].values),
        class_names=tuple(store.attrs["class_names"]),
        mask=store["mask"].values if "mask" in store else None,
        boxes=store["boxes"].values if "boxes" in store else None,
        affine=store["affine"].values if "affine" in store else None,
        sources=store.attrs["sources"],
        files=tuple(str(file) for file in store["file"].values) if "file" in store else (),
        facts=store.attrs["facts"],
        digest=store.attrs["digest"],
    )


def spatial_axes(dimensions: int) -> tuple[str, ...]:
    """Names of the axes of an image without its channels: (y, x), or (x, y, z) for volumes."""
    return ("y", "x") if dimensions == 2 else ("x", "y", "z")
