"""Photographs that torchvision knows by name: MIT Places, SUN397, Imagenette.

torchvision's own classes find the files and tell their labels; reading, scaling and choosing are
those of all photographs.
"""

from pathlib import Path

import numpy as np

from prediction_difference.data.downloads import download
from prediction_difference.data.folders import Collection, no_images
from prediction_difference.data.sources.photographs import KnownPhotographs
from prediction_difference.errors import DataError, Problem


def find(settings: KnownPhotographs, where: str) -> tuple[Collection, list[Problem]]:
    """All photographs of a part with their classes.

    Raises:
        DataError: the files are not there, or torchvision finds them damaged.
    """
    root = root_of(settings)
    missing = _missing(settings, root)
    if missing:
        what = f"{settings.source} is not in {root}: {', '.join(missing)} missing"
        remedy = f"set download: true, or root to the folder that holds {missing[0]}"
        raise DataError(f"{where}.root", what, remedy)
    try:
        opened = settings.opened(root)
    # A list that breaks off makes torchvision raise ValueError and KeyError, too.
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        what = f"the files of {settings.source} are damaged ({' '.join(str(error).split())})"
        raise DataError(root, what, "remove them and set download: true") from error
    files, labels, names = settings.listed(opened)
    folder = settings.images_folder(root)
    relative = [Path(file).relative_to(folder).as_posix() for file in files]
    order = sorted(range(len(files)), key=relative.__getitem__)
    collection = Collection(
        folder,
        tuple(relative[i] for i in order),
        np.array([labels[i] for i in order], dtype=np.int64),
        names,
        settings.lists(root),
    )
    return collection, [] if files else [no_images(folder, "remove it and set download: true")]


def is_to_download(settings: KnownPhotographs) -> bool:
    """Whether something is missing, and is to be fetched."""
    return settings.download and bool(_missing(settings, root_of(settings)))


def fetch(settings: KnownPhotographs) -> None:
    """Download a part.

    Raises:
        DataError: the download fails.
    """
    root = root_of(settings)
    download(settings.source, root, _missing(settings, root), settings.resources)


def root_of(settings: KnownPhotographs) -> Path:
    """The folder that torchvision calls root."""
    if settings.root is not None:
        return settings.root
    return settings.default_root()


def _missing(settings: KnownPhotographs, root: Path) -> list[str]:
    return [entry for entry in settings.entries if not (root / entry).exists()]
