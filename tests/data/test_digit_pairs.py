"""Pairs of digits hold what their labels and boxes say, and nothing of the other split."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from example_digits import write_digits
from prediction_difference.data.dataset import Dataset, read_dataset, write_dataset
from prediction_difference.data.sources.mnist_pairs import DigitPairs
from prediction_difference.errors import ConfigError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Digits whose grey tells label and split: 10 x label + 100 for training, within a frame."""
    pixels, labels = {}, {}
    for split, more in (("train", 110), ("test", 10)):
        labels[split] = np.repeat(np.arange(10), 3).astype(np.uint8)
        pixels[split] = np.zeros((30, 28, 28), dtype=np.uint8)
        pixels[split][:, 6:22, 6:22] = (more + 10 * labels[split])[:, None, None]
    write_digits(tmp_path / "mnist", pixels, labels)
    (tmp_path / "mnist").rename(tmp_path / "raw")
    (tmp_path / "MNIST").mkdir()
    (tmp_path / "raw").rename(tmp_path / "MNIST" / "raw")
    return tmp_path


def settings(root: Path, **others: Any) -> DigitPairs:
    known: dict[str, Any] = {"images": 60, "test_images": 20, **others}
    return DigitPairs(source="mnist-pairs", root=root, **known)


def halves_of(dataset: Dataset) -> np.ndarray:
    """(n, 2) the grey of the digits in the halves."""
    pixels = np.round(255 * dataset.images[:, 0])
    return np.stack([pixels[:, :, :28].max((1, 2)), pixels[:, :, 28:].max((1, 2))], 1)


def test_labels_and_boxes_say_what_is_there(root: Path) -> None:
    dataset = settings(root).load("pairs", 0)
    assert dataset.images.shape == (80, 1, 28, 56)
    assert dataset.class_names == ("absent", "present")
    assert dataset.boxes is not None
    for n, greys in enumerate(halves_of(dataset)):
        more = 110 if dataset.split[n] == "train" else 10
        digits = (greys - more) / 10
        assert set(digits) <= set(range(10))
        is_wanted = digits < 4
        assert is_wanted.sum() == dataset.labels[n]
        if dataset.labels[n]:
            left = 28 * int(is_wanted.argmax())
            assert dataset.boxes[n].tolist() == [0, left, 28, left + 28]
        else:
            assert (dataset.boxes[n] == -1).all()


def test_half_of_each_split_is_present_on_either_side(root: Path) -> None:
    dataset = settings(root, images=400).load("pairs", 0)
    assert dataset.boxes is not None
    for split, count in (("train", 400), ("test", 20)):
        assert dataset.labels[dataset.in_split(split)].sum() == count / 2
    lefts = dataset.boxes[dataset.labels == 1, 1]
    assert 0.4 < (lefts == 0).mean() < 0.6


def test_digits_are_moved_and_nothing_is_lost(root: Path) -> None:
    still, moved = (settings(root, shift=shift).load("pairs", 0) for shift in (0, 3))
    assert (still.images[:, :, 6:22, 6:22] > 0).all()
    assert np.unique((moved.images > 0).sum((1, 2, 3))).tolist() == [2 * 16 * 16]
    tops = (moved.images[:, 0, :, :28] > 0).any(2).argmax(1)
    assert set(tops) == set(range(3, 10))


def test_draws_belong_to_the_seed_and_the_store_keeps_boxes(root: Path, tmp_path: Path) -> None:
    first, again, other = (settings(root).load("pairs", seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).any()
    write_dataset(first, tmp_path / "pairs.zarr")
    read = read_dataset(tmp_path / "pairs.zarr")
    np.testing.assert_array_equal(read.boxes, first.boxes)


def test_what_cannot_be_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"mnist is not in .*missing"):
        settings(root / "elsewhere").load("pairs", 0)
    with pytest.raises(ValueError, match="pairs share digits"):
        settings(root, folds=2)
    with pytest.raises(ValueError, match="all digits are looked for"):
        settings(root, detected=tuple(range(10)))


def test_the_last_pairs_have_digits_of_their_own(tmp_path: Path) -> None:
    """Every digit has a pattern of its own, so that pairs can be taken apart again."""
    generator = np.random.default_rng(1)
    labels = {split: np.repeat(np.arange(10), 20).astype(np.uint8) for split in ("train", "test")}
    pixels = {split: generator.integers(1, 255, (200, 28, 28), dtype=np.uint8) for split in labels}
    write_digits(tmp_path / "MNIST" / "raw", pixels, labels)
    dataset = settings(tmp_path, images=200, shift=0).load("pairs", 0)
    greys = np.round(255 * dataset.images[:, 0]).astype(np.uint8)
    halves = [[half.tobytes() for half in np.split(image, 2, axis=1)] for image in greys[:200]]
    first = {digit for pair in halves[:180] for digit in pair}
    last = {digit for pair in halves[180:] for digit in pair}
    assert not first & last
