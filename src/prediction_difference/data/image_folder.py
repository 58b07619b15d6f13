"""A user's folder of photographs, flat or with one subfolder per class."""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from prediction_difference.config import model
from prediction_difference.data.checksums import sha256
from prediction_difference.data.dataset import UNLABELLED, Catalogue, Dataset
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.progress import track

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
# Named, so that a file of another kind behind such a suffix never reaches Pillow's other readers.
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
_WITHOUT_FULL_SCALE = ("I", "F")
_PHOTOMETRIC_TAG = 262
_ZERO_IS_WHITE = 0


@dataclass(frozen=True)
class _Folder:
    """Images directly in a folder, and those in its subfolders, sorted by name."""

    root: Path
    flat: tuple[Path, ...]
    classes: Mapping[str, tuple[Path, ...]]

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """All images; `check` sees to it that they are all flat or all in subfolders."""
        return (*self.flat, *(path for paths in self.classes.values() for path in paths))

    @property
    def class_names(self) -> tuple[str, ...]:
        return () if self.flat else tuple(self.classes)

    @property
    def labels(self) -> np.ndarray:
        """(n,) class numbers, -1 in a flat folder."""
        numbers = {name: number for number, name in enumerate(self.class_names)}
        labels = [numbers.get(path.parent.name, UNLABELLED) for path in self.paths]
        return np.array(labels, dtype=np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the images: relative to root, without suffix."""
        return tuple(self.relative(path.with_suffix("")) for path in self.paths)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def load(settings: model.ImageFolder, name: str, seed: int) -> Dataset:
    """Photographs, (C, H, W), 0 (black) to 1 (white).

    Raises:
        ConfigError: lists all problems that `check` finds.
        DataError: a file turns out to be damaged while its pixels are read.

    Notes: EXIF orientation is applied, transparency is put on white, colour profiles are ignored.
        Scaling is bicubic with antialiasing.
    """
    problems = check(settings, name)
    if problems:
        raise ConfigError(problems)
    folder = _scan(settings.root.expanduser())
    images = _read_all(folder.paths, settings, name)
    return Dataset(
        images=images,
        names=folder.names,
        labels=folder.labels,
        split=assign_splits(folder.labels, settings, seed, name),
        class_names=folder.class_names,
        sources={folder.relative(path): sha256(path) for path in folder.paths},
        facts={"full_scale": [0.0, 1.0], "size": list(images.shape[2:])},
    )


def catalogue(settings: model.ImageFolder) -> Catalogue:
    """Names of the photographs and classes of a folder without problems."""
    folder = _scan(settings.root.expanduser())
    return Catalogue(folder.names, folder.class_names)


def check(settings: model.ImageFolder, name: str) -> list[Problem]:
    """All problems of the folder and its files; pixels are decoded only where sizes must agree."""
    where = f"datasets.{name}"
    root = settings.root.expanduser()
    try:
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            return [Problem(f"{where}.root", f"{root} {what}", "correct the path")]
        folder = _scan(root)
        problems = [*_check_layout(folder), *_check_names(folder)]
    except OSError as error:
        return [
            Problem(f"{where}.root", f"cannot be searched ({error})", "correct its permissions")
        ]
    problems += _check_split(folder, settings, where)
    return problems + _check_files(folder, settings, name)


def _scan(root: Path) -> _Folder:
    classes = {folder.name: _images_in(folder) for folder in _folders_in(root)}
    flat = _images_in(root)
    if flat:
        # Folders of other things may lie beside flat images.
        classes = {name: paths for name, paths in classes.items() if paths}
    return _Folder(root, flat, classes)


def _images_in(folder: Path) -> tuple[Path, ...]:
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    images = (path for path in visible if path.suffix.lower() in SUFFIXES and path.is_file())
    return tuple(sorted(images))


def _folders_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


# --- problems ---------------------------------------------------------------------------------


def _check_layout(folder: _Folder) -> Iterator[Problem]:
    root = str(folder.root)
    if folder.flat and folder.classes:
        what = f"images lie both in the folder ({folder.flat[0].name}) and in its subfolders ("
        what += f"{', '.join(folder.classes)})"
        yield Problem(root, what, "move them all into subfolders by class, or all out of them")
        return
    # Without this, the classes would be folders such as train and test.
    deeper = [p for name in folder.classes for p in _folders_in(folder.root / name)]
    deeper = [subfolder for subfolder in deeper if _images_in(subfolder)]
    if deeper:
        what = f"images lie two folders deep ({folder.relative(deeper[0])})"
        yield Problem(root, what, "move them into the class folders, or set root to one of these")
    elif not folder.paths:
        suffixes = " ".join(sorted(SUFFIXES))
        yield Problem(root, f"there is no image in it ({suffixes})", "add images, or correct root")
    else:
        yield from _check_classes(folder)


def _check_classes(folder: _Folder) -> Iterator[Problem]:
    for name, paths in folder.classes.items():
        if not paths:
            where = str(folder.root / name)
            yield Problem(where, "this class has no image", "add images, or remove the folder")


def _check_names(folder: _Folder) -> Iterator[Problem]:
    files: dict[str, list[str]] = defaultdict(list)
    for path, name in zip(folder.paths, folder.names, strict=True):
        files[name].append(path.name)
        if not _is_unicode(name):
            yield Problem(ascii(str(path)), "the file's name is not UTF-8", "rename it")
    for name, same in files.items():
        if len(same) > 1:
            where = str(folder.root / name)
            what = f"{' and '.join(same)} would be two images of one name"
            yield Problem(where, what, "rename or remove one")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_split(folder: _Folder, settings: model.ImageFolder, where: str) -> list[Problem]:
    try:
        assign_splits(folder.labels, settings, 0, where)
    except DataError as error:
        return [error.problem]
    return []


def _check_files(folder: _Folder, settings: model.ImageFolder, name: str) -> list[Problem]:
    problems: list[Problem] = []
    sizes: dict[Path, tuple[int, int]] = {}
    for path in track(folder.paths, f"checking {name}"):
        try:
            _check_file(path)
            if settings.size is None:
                sizes[path] = _upright_size(path)
        except DataError as error:
            problems.append(error.problem)
    return problems + _check_sizes(sizes, name)


def _check_file(path: Path) -> None:
    with _opened(path) as image:
        frames = getattr(image, "n_frames", 1)
        # MPO is what many cameras write as .jpg: the photograph, then previews of it.
        if frames > 1 and image.format != "MPO":
            raise DataError(path, f"holds {frames} frames", "save one of them as a file of its own")
        if image.mode in _WITHOUT_FULL_SCALE:
            what = "has 32 bits per pixel and channel, so that it is not known what is white"
            raise DataError(path, what, "save it with 8 or 16 bits")
        image.verify()


def _upright_size(path: Path) -> tuple[int, int]:
    """Height and width; decodes the image, since formats differ in whether the header tells."""
    with _opened(path) as image:
        width, height = ImageOps.exif_transpose(image).size
    return height, width


def _check_sizes(sizes: Mapping[Path, tuple[int, int]], name: str) -> list[Problem]:
    if not sizes:
        return []
    first, (height, width) = next(iter(sizes.items()))
    required = f"the first image, {first.name}, has {height} x {width}"
    return [
        Problem(
            str(path),
            f"has {size[0]} x {size[1]} pixels (height x width), but {required}",
            f"set datasets.{name}.size, or scale the image",
        )
        for path, size in sizes.items()
        if size != (height, width)
    ]


# --- pixels -----------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image; whatever Pillow finds wrong inside the block becomes a DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                yield image
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        what = f"is larger than the {Image.MAX_IMAGE_PIXELS:,} pixels that are safe to unpack"
        raise DataError(path, what, "scale it down") from error
    # Damaged files make Pillow raise nearly anything: IndexError, TypeError, struct.error, ...
    except Exception as error:
        what = f"cannot be read as an image ({error})"
        raise DataError(path, what, "replace or remove it") from error


def _read_all(paths: tuple[Path, ...], settings: model.ImageFolder, name: str) -> np.ndarray:
    """(n, C, H, W) float32, filled in place, so that photographs are in memory once."""
    images = np.empty((len(paths), *_read(paths[0], settings).shape), dtype=np.float32)
    for index, path in enumerate(track(paths, f"reading {name}")):
        images[index] = _read(path, settings)
    return images


def _read(path: Path, settings: model.ImageFolder) -> np.ndarray:
    """(C, H, W) float32, 0 to 1."""
    with _opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        plain = _plain(image, "L" if settings.channels == 1 else "RGB")
    if settings.size is not None:
        height, width = settings.size
        plain = ImageOps.fit(plain, (width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(plain, dtype=np.float32) / 255
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    # Bicubic scaling of 16-bit images overshoots at edges.
    return np.broadcast_to(planes.clip(0, 1), (settings.channels, *planes.shape[1:]))


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """Without transparency, 0 to 255, in `mode`; mode F, grey, where 8 bits would lose some."""
    if image.mode.startswith("I;16"):
        return _from_16_bits(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    # By way of RGB, since Pillow turns not every mode into grey.
    return image.convert("RGB").convert(mode)


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Pillow itself would clip values above 255, and ignores that zero can stand for white."""
    values = np.asarray(image).astype(np.float32)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC_TAG) == _ZERO_IS_WHITE:
        values = 65535 - values
    if "transparency" in image.info:
        values[values == image.info["transparency"]] = 65535
    return Image.fromarray(values / 257)
