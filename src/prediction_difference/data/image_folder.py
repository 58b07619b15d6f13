"""A user's folder of photographs, flat or with one subfolder per class."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from prediction_difference.data.dataset import UNLABELLED
from prediction_difference.data.folders import (
    Collection,
    Folder,
    check_classes,
    folders_in,
    images_in,
    no_images,
    scan,
)
from prediction_difference.data.sources.image_folder import ImageFolder
from prediction_difference.errors import Problem


def find(settings: ImageFolder, where: str) -> tuple[Collection, list[Problem]]:
    """All photographs of the folder, with the names of subfolders as classes; and its problems.

    Raises:
        DataError: root is no folder.
        OSError: it cannot be searched.
    """
    folder = scan(settings.root, f"{where}.root")
    if folder.flat:
        # Folders of other things may lie beside flat images.
        classes = {name: files for name, files in folder.classes.items() if files}
        folder = replace(folder, classes=classes)
    class_names = () if folder.flat else tuple(folder.classes)
    numbers = {name: number for number, name in enumerate(class_names)}
    labels = [numbers.get(file.partition("/")[0], UNLABELLED) for file in folder.files]
    collection = Collection(
        folder.root, folder.files, np.array(labels, dtype=np.int64), class_names
    )
    return collection, list(_check_layout(folder))


def _check_layout(folder: Folder) -> Iterator[Problem]:
    root = str(folder.root)
    if folder.flat and folder.classes:
        what = f"images lie both in the folder ({folder.flat[0]}) and in its subfolders ("
        what += f"{', '.join(folder.classes)})"
        yield Problem(root, what, "move them all into subfolders by class, or all out of them")
        return
    # Without this, the classes would be folders such as train and test.
    deeper = _deeper(folder)
    if deeper is not None:
        what = f"images lie two folders deep ({deeper})"
        yield Problem(root, what, "move them into the class folders, or set root to one of these")
    elif not folder.files:
        yield no_images(folder.root)
    else:
        yield from check_classes(folder)


def _deeper(folder: Folder) -> str | None:
    """A folder with images inside a class folder."""
    inner = (f"{name}/{sub}" for name in folder.classes for sub in folders_in(folder.root / name))
    return next((below for below in inner if images_in(folder.root / below)), None)
