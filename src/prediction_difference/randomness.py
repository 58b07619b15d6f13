"""Random numbers that belong to what they are for, not to the order of the work."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_MASK = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_AT_ONCE_CPU = 2**18
_AT_ONCE = 2**25


def key(*parts: int | str | bytes) -> int:
    """A 64-bit key for a generator from whatever identifies the numbers' purpose."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        sha.update(len(raw).to_bytes(8, "little"))
        sha.update(raw)
    return int.from_bytes(sha.digest()[:8], "little")


def generator(key: int, stream: int = 0) -> np.random.Generator:
    """Independent generator for (key, stream): Philox, whose counter starts at `stream` * 2^192."""
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, stream]))


def image_key(seed: int, purpose: str, image: np.ndarray) -> int:
    """Key of the draws for one image and purpose: the same content and seed give the same draws."""
    return key(
        seed, purpose, str(image.shape), np.ascontiguousarray(image, dtype=np.float32).tobytes()
    )


def philox(
    counter: tuple["Tensor", "Tensor", "Tensor", "Tensor"], key: int
) -> tuple["Tensor", ...]:
    """Philox4x32 with ten rounds: four 32-bit words for every counter [salmon2011].

    counter: four int64 tensors that broadcast, with values in 0 to 2^32 - 1, low word first.
    key: 64 bits. Returns four int64 tensors of the broadcast shape, on the counter's device; the
    integers are the same on every device.
    """
    import torch

    c0, c1, c2, c3 = (word.clone() for word in torch.broadcast_tensors(*counter))
    high = torch.empty_like(c0)
    k0, k1 = key & _MASK, key >> 32
    for _ in range(_ROUNDS):
        # Products wrap at 64 bits. Only factors must be below 2^32, so the words that are merely
        # combined by exclusive or keep their upper bits until then.
        c0.mul_(_MULTIPLIERS[0])
        c2.mul_(_MULTIPLIERS[1])
        torch.bitwise_right_shift(c2, 32, out=high)
        c1.bitwise_xor_(high).bitwise_xor_(k0).bitwise_and_(_MASK)
        torch.bitwise_right_shift(c0, 32, out=high)
        c3.bitwise_xor_(high).bitwise_xor_(k1).bitwise_and_(_MASK)
        c0, c1, c2, c3 = c1, c2, c3, c0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _MASK, (k1 + _KEY_STEPS[1]) & _MASK
    return c0, c1.bitwise_and_(_MASK), c2, c3.bitwise_and_(_MASK)


def uniform(key: int, streams: "Tensor", count: int) -> "Tensor":
    """(n,) int64 streams -> (n, count) float32, uniform between 0 and 1, both excluded.

    Number j of a stream depends on (key, stream, j) alone; so do those of the functions below.
    """
    words = _interleaved(_words(key, streams, count), count)
    # 23 bits and a half have an exact float32, so that 1 is never reached.
    return (words >> 9).float().add_(0.5).mul_(2.0**-23)


def integers(key: int, streams: "Tensor", count: int, high: int) -> "Tensor":
    """(n,) int64 streams -> (n, count) int64, from 0 to high - 1, high at most 2^31.

    Notes: probabilities differ from 1 / high by less than 2^-32.
    """
    return _interleaved(_words(key, streams, count), count).mul_(high).bitwise_right_shift_(32)


def normal(key: int, streams: "Tensor", count: int) -> "Tensor":
    """(n,) int64 streams -> (n, count) float32, standard normal, by Box and Muller's method.

    Notes: the radius comes from 32 bits, so no number exceeds 6.8 in size.
    """
    import torch

    numbers = torch.empty((len(streams), -(-count // 4), 4), device=streams.device)
    # A few streams at a time, so that the words stay in the processor's cache.
    at_once = max(1, (_AT_ONCE_CPU if streams.device.type == "cpu" else _AT_ONCE) // max(count, 1))
    for start in range(0, len(streams), at_once):
        part = slice(start, start + at_once)
        _box_muller(_words(key, streams[part], count), numbers[part])
    return numbers.flatten(1)[:, :count]


def _box_muller(words: tuple["Tensor", ...], numbers: "Tensor") -> None:
    """Fill numbers (..., 4) from four (...) words, the first and the last two by themselves."""
    import torch

    for pair in (0, 1):
        radius = words[2 * pair].float().add_(0.5).mul_(2.0**-32).log_().mul_(-2).sqrt_()
        # Signed, so that small angles keep all their bits.
        angle = words[2 * pair + 1].int().float().mul_(np.pi * 2.0**-31)
        torch.mul(radius, angle.cos(), out=numbers[..., 2 * pair])
        torch.mul(radius, angle.sin_(), out=numbers[..., 2 * pair + 1])


def _words(key: int, streams: "Tensor", count: int) -> tuple["Tensor", ...]:
    """Four (n, ceil(count / 4)) int64: 32-bit words; counter low words number the blocks."""
    import torch

    blocks = torch.arange(-(-count // 4), device=streams.device)
    low, high = (streams & _MASK)[:, None], ((streams >> 32) & _MASK)[:, None]
    return philox((blocks & _MASK, blocks >> 32, low, high), key)


def _interleaved(words: tuple["Tensor", ...], count: int) -> "Tensor":
    import torch

    return torch.stack(words, -1).flatten(1)[:, :count]
