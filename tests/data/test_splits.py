"""What holds for every split, whatever the labels."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference.data.source import Split
from prediction_difference.data.splits import assign_splits, refuse_small_classes
from prediction_difference.errors import DataError

SEEDS = st.integers(0, 2**63 - 1)


def settings(folds: int | None = None, test_fraction: float | None = None) -> Split:
    return Split(folds=folds, test_fraction=test_fraction)


@st.composite
def labelled(draw: st.DrawFn, fewest: int) -> np.ndarray:
    """Labels of one to five classes with at least so many images each, in any order."""
    counts = draw(st.lists(st.integers(fewest, 30), min_size=1, max_size=5))
    first = draw(st.sampled_from([-1, 0, 7]))
    labels = np.repeat(np.arange(first, first + len(counts)), counts)
    return np.random.default_rng(draw(st.integers(0, 99))).permutation(labels)


@st.composite
def folded(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    folds = draw(st.integers(2, 8))
    return draw(labelled(folds)), folds


def counts_of(labels: np.ndarray, split: tuple[str, ...], label: int) -> Counter[str]:
    return Counter(name for name, of in zip(split, labels, strict=True) if of == label)


@given(folded(), SEEDS)
def test_each_image_is_in_one_fold_and_folds_have_equal_sizes(
    labels_and_folds: tuple[np.ndarray, int], seed: int
) -> None:
    labels, folds = labels_and_folds
    split = assign_splits(labels, settings(folds=folds), seed, "x")
    names = {f"fold-{number:02d}" for number in range(folds)}
    assert len(split) == len(labels)
    assert set(split) == names
    sizes = Counter(split)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    for label in np.unique(labels):
        of_class = counts_of(labels, split, label)
        assert set(of_class) == names
        assert max(of_class.values()) - min(of_class.values()) <= 1


@given(labelled(2), st.floats(0.01, 0.99), SEEDS)
def test_test_fraction_holds_in_each_class_and_leaves_no_part_empty(
    labels: np.ndarray, fraction: float, seed: int
) -> None:
    split = assign_splits(labels, settings(test_fraction=fraction), seed, "x")
    assert len(split) == len(labels)
    for label in np.unique(labels):
        of_class = counts_of(labels, split, label)
        assert set(of_class) == {"train", "test"}
        wanted = fraction * of_class.total()
        assert (
            of_class["test"] in (1, of_class.total() - 1) or abs(of_class["test"] - wanted) <= 0.5
        )


@given(folded(), SEEDS)
def test_the_same_seed_gives_the_same_split(
    labels_and_folds: tuple[np.ndarray, int], seed: int
) -> None:
    labels, folds = labels_and_folds
    for chosen in (settings(folds=folds), settings(test_fraction=0.4)):
        once = assign_splits(labels, chosen, seed, "x")
        assert once == assign_splits(labels.copy(), chosen, seed, "x")


@pytest.mark.parametrize("chosen", [settings(folds=5), settings(test_fraction=0.5)])
def test_seed_and_dataset_choose_the_split(chosen: Split) -> None:
    labels = np.repeat([0, 1], 50)
    splits = {assign_splits(labels, chosen, seed, name) for seed in (0, 1) for name in "ab"}
    assert len(splits) == 4


def test_without_settings_every_image_is_held_out() -> None:
    assert assign_splits(np.array([0, 1, -1]), settings(), 0, "x") == ("test",) * 3


@given(st.integers(2, 60), st.integers(2, 8), SEEDS)
def test_images_that_are_alone_in_their_class_are_dealt_at_random(
    count: int, folds: int, seed: int
) -> None:
    labels = np.arange(count)
    if count < folds:
        with pytest.raises(DataError, match=rf"x: the dataset: {count} image\(s\), but {folds}"):
            assign_splits(labels, settings(folds=folds), seed, "x")
        return
    sizes = Counter(assign_splits(labels, settings(folds=folds), seed, "x"))
    assert set(sizes) == {f"fold-{number:02d}" for number in range(folds)}
    assert max(sizes.values()) - min(sizes.values()) <= 1
    tested = Counter(assign_splits(labels, settings(test_fraction=0.5), seed, "x"))["test"]
    assert tested in (count // 2, -(-count // 2))


def test_the_deal_of_small_classes_depends_on_the_seed() -> None:
    labels = np.arange(100)
    splits = [assign_splits(labels, settings(folds=5), seed, "x") for seed in range(3)]
    assert len(set(splits)) == 3
    assert splits[0][:5] != tuple(f"fold-{number:02d}" for number in range(5))


def test_large_classes_are_split_by_class_beside_small_ones() -> None:
    labels = np.array([0] * 9 + [1, 2, 3] + [4] * 6)
    split = assign_splits(labels, settings(folds=3), 0, "x")
    assert set(counts_of(labels, split, 0).values()) == {3}
    assert set(counts_of(labels, split, 4).values()) == {2}
    assert set(Counter(split[9:12]).values()) == {1}


@pytest.mark.parametrize(
    ("labels", "chosen", "message"),
    [
        ([0, 0, 0, 1, 1], settings(folds=3), r"x: class number 1: 2 image\(s\), but 3 parts"),
        ([0, 0, 1], settings(test_fraction=0.5), r"x: class number 1: 1 image\(s\), but 2"),
        ([-1, -1], settings(folds=3), r"x: images without a class: 2 image\(s\), but 3"),
    ],
)
def test_a_class_that_is_too_small_to_train_on_is_refused(
    labels: list[int], chosen: Split, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        refuse_small_classes(np.array(labels), chosen, "x")
    refuse_small_classes(np.array(labels), settings(), "x")
