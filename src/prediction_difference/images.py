"""What every image has to be, whichever method explains it."""

import numpy as np

from prediction_difference.errors import DataError


def check_image(image: np.ndarray, name: str = "image") -> None:
    """Refuse what is no image (C, *spatial) of finite numbers, before anything is computed of it.

    Raises:
        DataError: it is no numpy array, has no axis of channels, or holds something else than
            finite numbers.
    """
    check_numbers(image, name)
    if image.ndim < 2:
        raise DataError(
            f"{name} of shape {image.shape}", "has no channels", "give it as (C, *spatial)"
        )


def check_images(images: np.ndarray, name: str = "images") -> None:
    """As `check_image`, for images (N, C, *spatial); there may be none of them."""
    check_numbers(images, name)
    if images.ndim < 3:
        raise DataError(
            f"{name} of shape {images.shape}", "have no channels", "give them as (N, C, *spatial)"
        )


def check_numbers(values: np.ndarray, name: str) -> None:
    """Refuse what is no array of finite real numbers; `name` says in messages what it is.

    Raises:
        DataError: it is none.
    """
    if not isinstance(values, np.ndarray):
        raise DataError(name, f"is of type {type(values).__name__}", "give a numpy array")
    if values.dtype.kind not in "biuf":
        raise DataError(name, f"has values of type {values.dtype}", "give an array of real numbers")
    is_finite = np.isfinite(values)
    if not is_finite.all():
        count = int((~is_finite).sum())
        what = f"holds NaN or infinity at {count} of {values.size} places"
        raise DataError(name, what, "give finite numbers")
