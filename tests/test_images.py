"""What is no image is refused before anything is computed of it."""

import numpy as np
import pytest

from prediction_difference.errors import DataError
from prediction_difference.images import check_image, check_images, check_numbers

IMAGE = np.arange(24).reshape(2, 3, 4) / 24


def spoiled(value: float) -> np.ndarray:
    image = IMAGE.copy()
    image[1, 2, 3] = value
    return image


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "minus-inf"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_that_are_not_finite_are_refused_with_their_count(value, dtype):
    image = spoiled(value).astype(dtype)
    with pytest.raises(DataError, match="image: holds NaN or infinity at 1 of 24 places; give"):
        check_image(image)
    with pytest.raises(DataError, match="images: holds NaN or infinity at 1 of 48 places; give"):
        check_images(np.stack([IMAGE, image]))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_real_numbers_of_every_type_are_taken_as_they_are(dtype):
    image = IMAGE.astype(dtype)
    check_image(image)
    check_images(image[None])
    check_images(image[None][:0])
    check_image(np.moveaxis(image, 0, 2)[::2])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (IMAGE.tolist(), "relevance: is of type list; give a numpy array"),
        (IMAGE.astype(complex), "relevance: has values of type complex128; give an array of real"),
        (IMAGE.astype(str), "relevance: has values of type <U"),
        (IMAGE.astype(object), "relevance: has values of type object"),
    ],
    ids=["list", "complex", "text", "object"],
)
def test_other_things_than_arrays_of_numbers_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        check_numbers(values, "relevance")


def test_images_have_an_axis_of_channels():
    with pytest.raises(DataError, match=r"image of shape \(3,\): has no channels; give it as"):
        check_image(np.zeros(3))
    with pytest.raises(DataError, match=r"images of shape \(2, 3\): have no channels; give them"):
        check_images(np.zeros((2, 3)))
