"""Pairs of MNIST's digits, one of which may be looked for [montavon2017, section 6.1]."""

from dataclasses import dataclass

import numpy as np

from prediction_difference import randomness
from prediction_difference.data import torchvision_sets
from prediction_difference.data.dataset import TEST, TRAIN, Dataset
from prediction_difference.data.sources.mnist import MNIST
from prediction_difference.data.sources.mnist_pairs import DigitPairs
from prediction_difference.errors import Problem

ABSENT, PRESENT = 0, 1
_SIDE = 28
_APART = 0.1
"""Share of the training pairs, and of the digits, that are kept apart from the others."""


@dataclass(frozen=True)
class _Pairs:
    """images: (n, 1, 28, 56) uint8. labels: (n,). boxes: (n, 4), see `Dataset`."""

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray


def load(settings: DigitPairs, name: str, seed: int) -> Dataset:
    """Images (1, 28, 56), 0 to 1, in MNIST's own splits; boxes are the halves with the digit.

    A pair is labelled `present` if one of its digits is looked for, which half of the pairs have,
    on either side; the other digit, and both in other pairs, are none of these.

    The last tenth of the training pairs has digits that are in no other pair, so that they can tell
    when to stop a training.

    Raises:
        ConfigError: MNIST's files are missing and are not to be downloaded.
        DataError: the download fails, or a file is damaged.
    """
    digits = torchvision_sets.load(_digits(settings), name, seed)
    counts = {TRAIN: settings.images, TEST: settings.test_images}
    pairs = [_draw(digits, split, count, settings, name, seed) for split, count in counts.items()]
    return Dataset(
        images=np.divide(np.concatenate([p.images for p in pairs]), 255, dtype=np.float32),
        names=tuple(f"{split}-{n:06d}" for split, count in counts.items() for n in range(count)),
        labels=np.concatenate([p.labels for p in pairs]),
        split=tuple(split for split, count in counts.items() for _ in range(count)),
        class_names=settings.known_classes or (),
        boxes=np.concatenate([p.boxes for p in pairs]),
        sources=digits.sources,
        facts=digits.facts,
    )


def check(settings: DigitPairs, name: str) -> list[Problem]:
    """Problems of MNIST's files."""
    return torchvision_sets.check(_digits(settings), name)


def _digits(settings: DigitPairs) -> MNIST:
    return MNIST(source=MNIST.word(), root=settings.root, download=settings.download)


def _draw(
    digits: Dataset, split: str, count: int, settings: DigitPairs, name: str, seed: int
) -> _Pairs:
    generator = randomness.generator(randomness.key(seed, "pairs", name, split))
    of_split = generator.permutation(np.flatnonzero(digits.in_split(split)))
    is_wanted = np.isin(digits.labels[of_split], settings.detected)
    apart = round(_APART * count) if split == TRAIN else 0
    counts = (count - apart, apart)
    wanted, others = (_groups(of_split[is_kind], counts) for is_kind in (is_wanted, ~is_wanted))
    labels = np.concatenate([generator.permutation(np.arange(n) % 2) for n in counts])
    sides = generator.integers(2, size=count)
    pairs = [generator.choice(group, (n, 2)) for group, n in zip(others, counts, strict=True)]
    singles = [generator.choice(group, n) for group, n in zip(wanted, counts, strict=True)]
    chosen = np.concatenate(pairs)
    present = np.flatnonzero(labels == PRESENT)
    chosen[present, sides[present]] = np.concatenate(singles)[present]
    pixels = np.round(digits.images[chosen, 0] * 255).astype(np.uint8)
    moved = _moved(pixels.reshape(-1, _SIDE, _SIDE), settings.shift, generator)
    halves = moved.reshape(count, 2, _SIDE, _SIDE)
    left = _SIDE * sides
    boxes = np.stack([np.zeros(count), left, np.full(count, _SIDE), left + _SIDE], 1).astype(int)
    boxes[labels == ABSENT] = -1
    return _Pairs(np.concatenate([halves[:, 0], halves[:, 1]], -1)[:, None], labels, boxes)


def _groups(digits: np.ndarray, counts: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Digits of one kind for the first pairs, and for those that are kept apart, if there are."""
    if not counts[1]:
        return digits, digits
    kept = max(1, round(_APART * len(digits)))
    return digits[:-kept], digits[-kept:]


def _moved(digits: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    """(n, y, x) -> each moved by up to `most` pixels along both axes; black comes in."""
    if most == 0:
        return digits
    padded = np.pad(digits, ((0, 0), (most, most), (most, most)))
    starts = generator.integers(0, 2 * most, (len(digits), 2), endpoint=True)
    places = np.arange(_SIDE)
    rows, columns = (starts[:, axis, None] + places for axis in range(2))
    found: np.ndarray = padded[
        np.arange(len(digits))[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return found
