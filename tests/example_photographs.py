"""Small files of random pixels, and what a folder of them becomes."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from prediction_difference.data.dataset import Dataset
from prediction_difference.data.photographs import check, load
from prediction_difference.data.sources.image_folder import ImageFolder

Shape = tuple[int, ...]


def settings(root: Path, **others: Any) -> ImageFolder:
    return ImageFolder(source="image-folder", root=root, **others)


def read(root: Path, seed: int = 0, **others: Any) -> Dataset:
    return load(settings(root, **others), "photos", seed)


def problems(root: Path, **others: Any) -> list[str]:
    return [str(problem) for problem in check(settings(root, **others), "photos", seed=0)]


def random_pixels(shape: Shape, seed: int = 0, dtype: Any = np.uint8) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path: Path, shape: Shape = (6, 8, 3), seed: int = 0, **options: Any) -> np.ndarray:
    """Write random pixels and return them."""
    pixels = random_pixels(shape, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels
