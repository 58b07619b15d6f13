"""Random numbers for many windows at once: published answers, moments, and independence."""

import numpy as np
import pytest
import torch
from scipy import stats

from prediction_difference import randomness

# From the file of known answers that accompanies the authors' own library.
KNOWN = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]
STREAMS = torch.arange(300) * 7 + 2**33


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_words_are_the_published_ones(counter, key, expected):
    words = randomness.philox(tuple(torch.tensor([c]) for c in counter), key[0] | key[1] << 32)
    assert [int(word) for word in words] == expected


def test_known_answers_hold_among_others():
    """All counters and keys at once, as windows and blocks are."""
    counters = torch.tensor([counter for counter, _, _ in KNOWN])
    first_key = KNOWN[2][1]
    words = randomness.philox(
        tuple(counters[:, i, None].expand(3, 5) for i in range(4)),
        first_key[0] | first_key[1] << 32,
    )
    assert [int(word[2, 4]) for word in words] == KNOWN[2][2]


@pytest.mark.parametrize("draw", [randomness.uniform, randomness.normal])
def test_a_number_belongs_to_key_stream_and_place(draw):
    together = draw(5, STREAMS, 41)
    assert together.dtype == torch.float32
    assert together.shape == (300, 41)
    alone = draw(5, STREAMS[17:18], 10)
    assert torch.equal(alone[0], together[17, :10])
    order = torch.randperm(300)
    assert torch.equal(draw(5, STREAMS[order], 41), together[order])
    assert (draw(6, STREAMS, 41) != together).float().mean() > 0.99


def test_numbers_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    at_once = randomness.normal(5, STREAMS, 41)
    monkeypatch.setattr(randomness, "_AT_ONCE_CPU", 100)
    torch.testing.assert_close(randomness.normal(5, STREAMS, 41), at_once, rtol=1e-6, atol=1e-6)


def test_normal_numbers_are_normal():
    numbers = randomness.normal(1, STREAMS, 4_000)
    assert stats.kstest(numbers.flatten().numpy(), "norm").pvalue > 1e-3
    assert numbers.isfinite().all()
    tail = (numbers.abs() > 4).sum()
    expected = numbers.numel() * 2 * stats.norm.sf(4)
    assert abs(tail - expected) < 4 * np.sqrt(expected)


def test_uniform_numbers_are_uniform_and_never_0_or_1():
    numbers = randomness.uniform(1, STREAMS, 4_001)
    assert stats.kstest(numbers.flatten().numpy(), "uniform").pvalue > 1e-3
    assert 0 < numbers.min() < numbers.max() < 1


def test_integers_are_equally_frequent():
    numbers = randomness.integers(2, STREAMS, 999, 7)
    counts = torch.bincount(numbers.flatten(), minlength=7)
    assert len(counts) == 7
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    assert (randomness.integers(2, STREAMS, 9, 1) == 0).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_are_uncorrelated(axis):
    """Neighbouring numbers of a stream, the two of a pair included, and neighbouring streams."""
    numbers = randomness.normal(3, torch.arange(400), 400).double()
    for lag in (1, 2, 3):
        length = numbers.shape[axis] - lag
        early, late = numbers.narrow(axis, 0, length), numbers.narrow(axis, lag, length)
        for change in (lambda x: x, lambda x: x**2 - 1):
            mean = (change(early) * change(late)).mean()
            scale = change(numbers).var() / np.sqrt(early.numel())
            assert abs(mean) < 4.5 * scale
