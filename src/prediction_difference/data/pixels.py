"""One photograph: whether its file can be used, and its pixels, upright, on white, in one size."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from prediction_difference.data.sources.photographs import Photographs
from prediction_difference.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
# Named, so that a file of another kind behind such a suffix never reaches Pillow's other readers.
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
_JPEG = ("JPEG", "MPO")
_WITHOUT_FULL_SCALE = ("I", "F")
_PHOTOMETRIC_TAG = 262
_ZERO_IS_WHITE = 0
_LYING = (5, 6, 7, 8)
"""EXIF orientations that exchange height and width."""
_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def check_file(path: Path) -> None:
    """See that a photograph can be read whole; a JPEG is decoded at an eighth of its size for it.

    Raises:
        DataError: it is damaged, cut short, too large, or holds what cannot be shown as it is.
    """
    if _is_verified(path):
        return
    with _opened(path) as image:
        image.draft("L", (1, 1))
        image.load()


def read(path: Path, settings: Photographs) -> np.ndarray:
    """(C, H, W) float32, 0 (black) to 1 (white).

    Raises:
        DataError: as `check_file`; or the crop does not fit into the scaled image.

    Notes: EXIF orientation is applied, transparency is put on white, colour profiles are ignored.
    """
    _is_verified(path)
    with _opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        plain = _plain(image, "L" if settings.channels == 1 else "RGB")
    pixels = np.asarray(_fitted(plain, path, settings), dtype=np.float32) / 255
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    # Bicubic scaling of 16-bit images overshoots at edges.
    return np.broadcast_to(planes.clip(0, 1), (settings.channels, *planes.shape[1:]))


def final_size(path: Path, settings: Photographs) -> tuple[int, int]:
    """Height and width that `read` gives; a JPEG is not decoded for it.

    Raises:
        DataError: the file cannot be read, or the crop does not fit into the scaled image.
    """
    scaled = _scaled_size(path, _upright_size(path), settings)
    return settings.size or scaled


def depends_on_file(settings: Photographs) -> bool:
    """Whether only the file tells the size of an image, or that its crop fits."""
    if isinstance(settings.resize, tuple):
        return False
    is_short = isinstance(settings.resize, int) and max(settings.size or (0,)) > settings.resize
    return settings.size is None or is_short


def _is_verified(path: Path) -> bool:
    """Whether a file has checksums, as PNG does, which also hold; reading pixels ignores them."""
    with _opened(path) as image:
        if image.format != "PNG":
            return False
        image.verify()
        return True


def _upright_size(path: Path) -> tuple[int, int]:
    """Height and width after the EXIF orientation is applied."""
    with _opened(path) as image:
        if image.format not in _JPEG:
            # Whether the header tells of the orientation, and knows of it, differs by format.
            image = ImageOps.exif_transpose(image)
            return image.height, image.width
        is_lying = image.getexif().get(ExifTags.Base.Orientation) in _LYING
        return (image.width, image.height) if is_lying else (image.height, image.width)


def _scaled_size(path: Path, upright: tuple[int, int], settings: Photographs) -> tuple[int, int]:
    """Sides after scaling; the longer one is rounded as torchvision's Resize does."""
    resize, (height, width) = settings.resize, upright
    if resize is None:
        return upright
    if isinstance(resize, int):
        short = min(upright)
        resize = int(resize * height / short), int(resize * width / short)
    what = f"has {_by(resize)} pixels (height x width) after scaling, "
    if settings.size is not None and any(np.greater(settings.size, resize)):
        what += f"too few for a crop of {_by(settings.size)}"
        raise DataError(path, what, "raise resize, lower size, or leave the image out")
    if math.prod(resize) > (Image.MAX_IMAGE_PIXELS or math.inf):
        raise DataError(path, what + "too many", "leave the image out, or set resize to null")
    return resize


def _by(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image that can be used; what Pillow finds wrong in the block becomes a DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                _refuse_what_has_no_one_meaning(path, image)
                yield image
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        what = f"is larger than the {Image.MAX_IMAGE_PIXELS:,} pixels that are safe to unpack"
        raise DataError(path, what, "scale it down") from error
    # Damaged files make Pillow raise nearly anything: IndexError, TypeError, struct.error, ...
    except Exception as error:
        reason = "the file is empty" if _is_empty(path) else error
        what = f"cannot be read as an image ({reason})"
        raise DataError(path, what, "replace or remove it") from error


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _refuse_what_has_no_one_meaning(path: Path, image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    # MPO is what many cameras write as .jpg: the photograph, then previews of it.
    if frames > 1 and image.format != "MPO":
        raise DataError(path, f"holds {frames} frames", "save one of them as a file of its own")
    if image.mode in _WITHOUT_FULL_SCALE:
        what = "has 32 bits per pixel and channel, so that it is not known what is white"
        raise DataError(path, what, "save it with 8 or 16 bits")
    # With Adobe's marker, which nearly all have, 0 is full ink.
    if image.mode == "CMYK" and image.format in _JPEG and "adobe" not in image.info:
        what = "has printing colours (CMYK) that do not say whether 0 or 255 is full ink"
        raise DataError(path, what, "save it in RGB")


def _fitted(image: Image.Image, path: Path, settings: Photographs) -> Image.Image:
    """Scaled, and its centre cut out, as the settings say."""
    how = _FILTERS[settings.interpolation]
    if settings.resize is None:
        return image if settings.size is None else ImageOps.fit(image, settings.size[::-1], how)
    height, width = _scaled_size(path, (image.height, image.width), settings)
    image = image.resize((width, height), how)
    if settings.size is None:
        return image
    top, left = round((height - settings.size[0]) / 2), round((width - settings.size[1]) / 2)
    return image.crop((left, top, left + settings.size[1], top + settings.size[0]))


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
