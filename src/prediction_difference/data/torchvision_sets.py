"""Data sets that torchvision knows by name, with their own training and test split."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data import cifar10_jpegs, subsets
from prediction_difference.data.dataset import TEST, TRAIN, Dataset
from prediction_difference.data.downloads import download
from prediction_difference.data.folders import default_root, without_suffix
from prediction_difference.data.plain_pickles import read_plain_pickle
from prediction_difference.data.sources.torchvision_sets import CifarSet, TorchvisionSet
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.files import sha256

_FETCH = "remove them and set download: true"


@dataclass(frozen=True)
class Part:
    """Images of an original split: n names, (n, C, H, W) uint8 pixels, (n,) int64 labels."""

    split: str
    names: tuple[str, ...]
    pixels: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]


def load(settings: TorchvisionSet, name: str, seed: int) -> Dataset:
    """Images, (C, H, W), 0 to 1, in the set's own splits or, if settings ask for it, in new ones.

    Raises:
        ConfigError: files are missing and are not to be downloaded, or hold too few images.
        DataError: the download fails, or a file is damaged.
    """
    problems = check(settings, name)
    if problems:
        raise ConfigError(problems)
    root = _root(settings)
    jpegs = settings.jpegs(root)
    if jpegs is None and missing(settings, root):
        download(settings.source, root, settings.downloaded, settings.resources)
    parts = (
        _draw_jpegs(jpegs, settings, name, seed)
        if jpegs
        else [_draw(_read(settings, split, root), settings, name, seed) for split in (TRAIN, TEST)]
    )
    labels = np.concatenate([part.labels for part in parts])
    files = [_find(settings, root, file) for file in settings.members]
    sums = {path.relative_to(root).as_posix(): sha256(path) for path in files if not jpegs}
    return Dataset(
        images=np.divide(np.concatenate([p.pixels for p in parts]), 255, dtype=np.float32),
        names=tuple(name for part in parts for name in part.names),
        labels=labels,
        split=_splits(parts, labels, settings, name, seed),
        class_names=parts[0].class_names,
        sources=cifar10_jpegs.checksums(jpegs, root) if jpegs else sums,
        facts={"full_scale": [0.0, 1.0], **({"compression": "JPEG, lossy"} if jpegs else {})},
    )


def check(settings: TorchvisionSet, name: str) -> list[Problem]:
    """Problems that show without reading images; files that are to be downloaded are none."""
    root = _root(settings)
    jpegs = settings.jpegs(root)
    problems = cifar10_jpegs.check(jpegs) if jpegs else []
    absent = missing(settings, root)
    if absent and not jpegs and not settings.download:
        what = f"{settings.source} is not in {root}: {', '.join(absent)} missing"
        remedy = f"set download: true, or root to the folder that holds {settings.example}"
        problems.append(Problem(f"datasets.{name}.root", what, remedy))
    if settings.images is not None and settings.images > settings.smaller_split:
        problems.append(_too_many(settings.images, TEST, settings.smaller_split, name))
    return problems


def _too_many(images: int, split: str, count: int, name: str) -> Problem:
    what = f"{images} images of each split are asked for, {split} has {count}"
    return Problem(f"datasets.{name}.images", what, f"set it to {count} or less")


# --- files ------------------------------------------------------------------------------------


def _root(settings: TorchvisionSet) -> Path:
    return default_root() if settings.root is None else settings.root


def _find(settings: TorchvisionSet, root: Path, file: str) -> Path:
    """Where a file is; without it, where it should be."""
    places = settings.places(root, file)
    return next((place for place in places if place.is_file()), places[0])


def missing(settings: TorchvisionSet, root: Path) -> list[str]:
    """Members that are not there."""
    return [file for file in settings.members if not _find(settings, root, file).is_file()]


def _torchvision_class(settings: TorchvisionSet) -> Any:
    from torchvision import datasets

    return getattr(datasets, settings.torchvision_name)


# --- images -----------------------------------------------------------------------------------


def _draw_jpegs(place: Path, settings: TorchvisionSet, name: str, seed: int) -> list[Part]:
    """As `_draw`, but only what is drawn is decoded."""
    parts = []
    for split, whole in cifar10_jpegs.read(place).items():
        files = whole.take(_chosen(whole.names, split, settings, name, seed))
        names = tuple(map(without_suffix, files.names))
        parts.append(Part(split, names, files.pixels(), files.labels, cifar10_jpegs.CLASSES))
    return parts


def _read(settings: TorchvisionSet, split: str, root: Path) -> Part:
    part = settings.read_part(split, root)
    count, highest = len(part.labels), part.labels.max(initial=0)
    fits = len(part.pixels) == count and part.pixels.shape[2:] == settings.known_shape
    if not fits or highest >= len(part.class_names):
        what = f"{len(part.pixels)} images of {part.pixels.shape[2:]} with {count} labels up to "
        what += f"{highest} are not {settings.source} ({split})"
        raise DataError(root, what, "remove its files and set download: true")
    return part


def read_idx_part(settings: TorchvisionSet, split: str, root: Path) -> Part:
    """Images of a split in IDX files, which are the first two members or the others."""
    members = settings.members[:2] if split == TRAIN else settings.members[2:]
    images, labels = (_find(settings, root, file) for file in members)
    # MNIST's names in torchvision are "0 - zero"; a configuration says "0".
    class_names = settings.known_classes or tuple(_torchvision_class(settings).classes)
    pixels, numbers = _read_idx(images, 3)[:, None], _read_idx(labels, 1).astype(np.int64)
    return Part(split, _names(split, len(numbers)), pixels, numbers, class_names)


def read_house_numbers(settings: TorchvisionSet, split: str, root: Path) -> Part:
    """Images of a split in files of MATLAB's."""
    try:
        opened = _torchvision_class(settings)(root, split=split)
    except (RuntimeError, OSError) as error:
        raise _damaged(settings.source, root, error) from error
    class_names = settings.known_classes or tuple(opened.classes)
    return Part(split, _names(split, len(opened.labels)), opened.data, opened.labels, class_names)


def read_cifar(settings: CifarSet, split: str, root: Path) -> Part:
    """The batches of a split; torchvision would let their pickles run any code."""
    from pooch import file_hash

    source, known = settings.source, _torchvision_class(settings)
    folder = root / known.base_folder
    batches = []
    for name, checksum in known.train_list if split == TRAIN else known.test_list:
        if file_hash(str(folder / name), alg="md5") != checksum:
            raise _damaged(source, root, f"{name} is another file than the published one")
        batches.append(read_plain_pickle(folder / name, _FETCH))
    key = settings.label_key
    labels = np.array([label for batch in batches for label in batch[key]], dtype=np.int64)
    pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    meta = read_plain_pickle(folder / known.meta["filename"], _FETCH)
    class_names = settings.known_classes or tuple(meta[known.meta["key"]])
    return Part(split, _names(split, len(labels)), pixels, labels, class_names)


def _damaged(source: str, root: Path, reason: object) -> DataError:
    what = f"the files of {source} are damaged or cannot be read ({reason})"
    return DataError(root, what, _FETCH)


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Unsigned bytes in the shape that the file's header tells.

    torchvision reads no packed files, has no check whether unpacked ones are whole, and prefers an
    older copy if it finds one; the format is shorter than ways around that.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        if content[:4] != bytes([0, 0, 8, dimensions]):
            raise ValueError(f"it is no IDX file of bytes in {dimensions} dimension(s)")
        shape = np.frombuffer(content, ">u4", dimensions, offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        what = f"this file is damaged or cannot be read ({error})"
        raise DataError(path, what, "remove it and set download: true, or copy it again") from error


def _names(split: str, count: int) -> tuple[str, ...]:
    """Images that have no names of their own are numbered as they lie in the split's files."""
    return tuple(f"{split}-{number:05d}" for number in range(count))


def _draw(part: Part, settings: TorchvisionSet, name: str, seed: int) -> Part:
    if settings.images is None:
        return part
    chosen = _chosen(part.names, part.split, settings, name, seed)
    names = tuple(part.names[index] for index in chosen)
    pixels, labels = part.pixels[chosen], part.labels[chosen]
    return Part(part.split, names, pixels, labels, part.class_names)


def _chosen(
    names: tuple[str, ...], split: str, settings: TorchvisionSet, name: str, seed: int
) -> np.ndarray:
    """Positions of as many images as are asked for; a larger draw holds the smaller ones."""
    if settings.images is None:
        return np.arange(len(names))
    if settings.images > len(names):
        raise ConfigError([_too_many(settings.images, split, len(names), name)])
    return subsets.draw(names, settings.images, seed, name)


def _splits(
    parts: list[Part], labels: np.ndarray, settings: TorchvisionSet, name: str, seed: int
) -> tuple[str, ...]:
    if settings.folds is None and settings.test_fraction is None:
        return tuple(part.split for part in parts for _ in part.names)
    return assign_splits(labels, settings, seed, name)
