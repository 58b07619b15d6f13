"""Complexity of heatmaps whose entropy and sizes are known."""

import io

import numpy as np
from PIL import Image
from skimage.measure import shannon_entropy

from prediction_difference.evaluation.complexity import entropy, file_bytes, grey_levels


def test_levels_of_signed_and_unsigned_maps():
    signed = np.array([[-4.0, 0.0], [2.0, 4.0]])
    assert grey_levels(signed, True).tolist() == [[0, 128], [191, 255]]
    assert grey_levels(np.abs(signed), False).tolist() == [[255, 0], [128, 255]]
    assert grey_levels(np.zeros((3, 3)), False).max() == 0
    assert set(np.unique(grey_levels(np.zeros((3, 3)), True))) == {128}


def test_entropy_of_known_distributions(generator):
    assert entropy(np.zeros((8, 8), np.uint8)) == 0
    assert entropy(np.arange(256, dtype=np.uint8).reshape(16, 16)) == 8
    grey = generator.integers(0, 50, (40, 30)).astype(np.uint8)
    np.testing.assert_allclose(entropy(grey), shannon_entropy(grey))


def test_noise_takes_more_room_than_a_spot(generator):
    spot = np.zeros((64, 64))
    spot[20:30, 30:44] = 1.0
    noise = generator.uniform(size=(64, 64))
    for kind in ("PNG", "JPEG"):
        sizes = [file_bytes(grey_levels(image, False), kind) for image in (spot, noise)]
        assert sizes[1] > 2 * sizes[0]


def test_a_png_holds_the_very_levels(generator):
    grey = grey_levels(generator.normal(size=(9, 7)), True)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", optimize=True)
    assert file_bytes(grey, "PNG") == len(buffer.getvalue())
    np.testing.assert_array_equal(np.asarray(Image.open(buffer)), grey)
