"""Datasets of photographs: found in a folder, chosen, checked in one pass, read once."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from prediction_difference.data import (
    pixels,
    subsets,
)
from prediction_difference.data.dataset import Catalogue, Dataset
from prediction_difference.data.folders import Collection, check_names
from prediction_difference.data.sources.photographs import Photographs
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.files import sha256
from prediction_difference.progress import track


def load(settings: Photographs, name: str, seed: int) -> Dataset:
    """Photographs, (C, H, W), 0 (black) to 1 (white).

    Raises:
        ConfigError: lists all problems of the folder and its files.
    """
    if settings.is_to_download:
        settings.fetch()
    collection, problems = _chosen(settings, name, seed)
    if problems or collection is None:
        raise ConfigError(_with_problems_of_files(collection, problems, settings, name))
    images = _read_all(collection.paths, settings, name)
    return Dataset(
        images=images,
        names=collection.names,
        labels=collection.labels,
        split=_split(collection, settings, seed, name),
        class_names=collection.class_names,
        sources=_sources(collection),
        files=collection.files,
        facts={"full_scale": [0.0, 1.0], "size": list(images.shape[2:]), **collection.facts},
    )


def _split(collection: Collection, settings: Photographs, seed: int, name: str) -> tuple[str, ...]:
    """The source's own one, if it has one and no other is asked for."""
    if collection.split and settings.folds is None and settings.test_fraction is None:
        return collection.split
    return assign_splits(collection.labels, settings, seed, name)


def check(settings: Photographs, name: str, seed: int) -> list[Problem]:
    """All problems of the folder, of the choice among its files, and of those that are chosen.

    What is to be downloaded has none yet.
    """
    if settings.is_to_download:
        return []
    collection, problems = _chosen(settings, name, seed)
    return _with_problems_of_files(collection, problems, settings, name)


def catalogue(settings: Photographs, name: str, seed: int) -> Catalogue | None:
    """What is known of a folder without problems before its images are read.

    None where they are to be downloaded.
    """
    if settings.is_to_download:
        return None
    collection, problems = _chosen(settings, name, seed)
    if collection is None:
        raise ConfigError(problems)
    labels = tuple(collection.labels.tolist())
    return Catalogue(collection.names, collection.class_names, labels, collection.paths)


def shape(settings: Photographs, name: str, seed: int) -> tuple[int, ...] | None:
    """Height and width that the first photograph gets, from its header; None where none is there.

    What is wrong with the photographs is told by `check`.
    """
    if settings.is_to_download:
        return None
    collection, _ = _chosen(settings, name, seed)
    if collection is None or not collection.paths:
        return None
    try:
        return pixels.final_size(collection.paths[0], settings)
    except DataError:
        return None


def files(settings: Photographs, name: str, seed: int) -> list[Path]:
    """The chosen photographs and the lists that tell of them, as far as they are there."""
    collection, _ = _chosen(settings, name, seed)
    listed = [settings.files] if isinstance(settings.files, Path) else []
    return listed if collection is None else [*collection.paths, *collection.lists, *listed]


def _chosen(settings: Photographs, name: str, seed: int) -> tuple[Collection | None, list[Problem]]:
    """The photographs of the dataset, where it can be told which they are, and problems so far."""
    where = f"datasets.{name}"
    problems: list[Problem] = []
    try:
        found, problems = settings.find(where)
        problems += check_names(found)
        collection = subsets.choose(found, settings, name, seed)
        if not problems:
            _split(collection, settings, seed, where)
        return collection, problems
    except ConfigError as error:
        return None, [*problems, *error.problems]
    except DataError as error:
        return None, [*problems, error.problem]
    except OSError as error:
        what = f"cannot be searched ({error})"
        return None, [*problems, Problem(f"{where}.root", what, "correct its permissions")]


def _sources(collection: Collection) -> dict[str, str]:
    """Checksum of each image by its name relative to root; of the lists, by their paths."""
    images = zip(collection.files, collection.paths, strict=True)
    root = collection.root
    lists = (
        (path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path), path)
        for path in collection.lists
    )
    return {name: sha256(path) for name, path in (*images, *lists)}


# --- problems of files ------------------------------------------------------------------------


def _with_problems_of_files(
    collection: Collection | None, problems: list[Problem], settings: Photographs, name: str
) -> list[Problem]:
    if collection is None:
        return problems
    return [*problems, *_check_files(collection.paths, settings, name)]


def _check_files(paths: Sequence[Path], settings: Photographs, name: str) -> Iterator[Problem]:
    wants_size = pixels.depends_on_file(settings)
    first: tuple[Path, tuple[int, int]] | None = None
    for path in track(paths, f"checking {name}"):
        try:
            pixels.check_file(path)
            if not wants_size:
                continue
            size = pixels.final_size(path, settings)
        except DataError as error:
            yield error.problem
            continue
        first = first or (path, size)
        if size != first[1]:
            yield _other_size(path, size, *first, name)


def _other_size(
    path: Path, size: Sequence[int], first: Path, required: Sequence[int], name: str
) -> Problem:
    what = f"has {size[0]} x {size[1]} pixels (height x width), but the first image, {first.name}, "
    what += f"has {required[0]} x {required[1]}"
    return Problem(str(path), what, f"set datasets.{name}.size, or scale the image")


def _read_all(paths: tuple[Path, ...], settings: Photographs, name: str) -> np.ndarray:
    """(n, C, H, W) float32, filled in place, so that photographs are in memory once."""
    images: np.ndarray | None = None
    first, problems = paths[0], []
    for index, path in enumerate(track(paths, f"reading {name}")):
        try:
            image = pixels.read(path, settings)
        except DataError as error:
            problems.append(error.problem)
            continue
        if images is None:
            _refuse_more_than_memory(len(paths), image.shape, f"datasets.{name}")
            images, first = np.empty((len(paths), *image.shape), dtype=np.float32), path
        if image.shape == images.shape[1:]:
            images[index] = image
        else:
            required = images.shape[2:]
            problems.append(_other_size(path, image.shape[1:], first, required, name))
    if problems or images is None:
        raise ConfigError(problems)
    return images


def _refuse_more_than_memory(count: int, shape: tuple[int, ...], where: str) -> None:
    """Otherwise the system ends the job without a word."""
    needed, there = 4 * count * math.prod(shape), _memory()
    if needed > there:
        sides = " x ".join(map(str, shape))
        what = f"{count} images of {sides} take {needed / 2**30:.1f} GiB of memory, this machine "
        what += f"has {there / 2**30:.1f}"
        raise ConfigError([Problem(where, what, "take fewer with images or per_class")])


def _memory() -> int:
    """Bytes of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
