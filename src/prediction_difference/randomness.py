"""Random numbers that belong to what they are for, not to the order of the work."""

import hashlib

import numpy as np


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
