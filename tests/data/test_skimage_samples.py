"""The photographs that scikit-image brings along, as its own functions read them."""

import numpy as np
import skimage.data

from prediction_difference.data import skimage_samples
from prediction_difference.data.sources.skimage_samples import SkimageSamples


def load(**others):
    settings = SkimageSamples(source="skimage-samples", **others)
    assert settings.check("samples", 0) == []
    return settings.load("samples", 0)


def test_all_files_are_in_the_installed_package():
    found = skimage_samples.find()
    assert all(path.is_file() for path in found.paths)


def test_photographs_are_those_of_scikit_image():
    dataset = load(size=None, files=["chelsea"])
    np.testing.assert_array_equal(
        np.rint(255 * dataset.images[0]).transpose(1, 2, 0), skimage.data.chelsea()
    )
    dataset = load(size=None, files=["coins.png"], channels=1)
    np.testing.assert_array_equal(np.rint(255 * dataset.images[0, 0]), skimage.data.coins())


def test_they_have_one_size_and_no_classes():
    dataset = load()
    assert dataset.images.shape == (10, 3, 224, 224)
    assert set(dataset.labels) == {-1}
    assert dataset.class_names == ()
    assert len(dataset.sources) == 10
