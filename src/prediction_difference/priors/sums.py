"""Mean and covariance of a stream of patches, as they are or regularised."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from prediction_difference.choices import Regularisation
from prediction_difference.errors import DataError


@dataclass
class PatchSums:
    """Sums over a stream of patches of D numbers, in double precision, for their moments.

    Of y = patch - pilot, with a pilot near the mean so that nothing cancels: how many, the sum of
    y (D,), of y y' (D, D), of |y|^4, and of |y|^2 y (D,).
    """

    pilot: np.ndarray
    count: int
    first: np.ndarray
    second: np.ndarray
    fourth: float
    weighted: np.ndarray

    @classmethod
    def around(cls, pilot: np.ndarray) -> "PatchSums":
        """Sums over no patches yet; pilot: (D,)."""
        size = len(pilot)
        return cls(pilot, 0, np.zeros(size), np.zeros((size, size)), 0.0, np.zeros(size))

    def add(self, patches: np.ndarray) -> None:
        """(m, D) more patches."""
        y = patches - self.pilot
        squares = np.einsum("md,md->m", y, y)
        self.count += len(y)
        self.first += y.sum(0)
        self.second += y.T @ y
        self.fourth += float(squares @ squares)
        self.weighted += squares @ y

    @property
    def mean(self) -> np.ndarray:
        """(D,) mean of the patches."""
        return self.pilot + self.first / self.count

    @property
    def scatter(self) -> np.ndarray:
        """(D, D) sum of (x - mean)(x - mean)'."""
        return self.second - np.outer(self.first, self.first) / self.count

    @property
    def fourth_of_centred(self) -> float:
        """Sum of |x - mean|^4.

        With s = mean - pilot and |x - mean|^2 = |y|^2 - 2 s.y + |s|^2, multiplied out.
        """
        shift = self.first / self.count
        square = float(shift @ shift)
        return float(
            self.fourth
            + 4 * shift @ self.second @ shift
            + self.count * square**2
            - 4 * shift @ self.weighted
            + 2 * square * np.trace(self.second)
            - 4 * square * shift @ self.first
        )


def covariance(sums: PatchSums, regularisation: Regularisation, ridge: float) -> np.ndarray:
    """(D, D) covariance, with a ridge or shrunk towards a multiple of the identity.

    Raises:
        DataError: values without variance, or fewer patches than an unregularised covariance needs.
    """
    size, variance = len(sums.first), float(np.trace(sums.scatter)) / len(sums.first)
    if not variance > 0:
        raise DataError("prior", "the patches do not vary", "check the images")
    if regularisation == "ledoit-wolf":
        return _ledoit_wolf(sums)
    if ridge == 0 and sums.count <= size:
        raise DataError(
            "prior",
            f"{sums.count} patches of {size} numbers have a singular covariance",
            f"set patches to more than {size}, ridge above 0, or regularisation to ledoit-wolf",
        )
    estimate = sums.scatter / max(sums.count - 1, 1)
    return estimate + ridge * np.trace(estimate) / size * np.eye(size)


def _ledoit_wolf(sums: PatchSums) -> np.ndarray:
    """Covariance shrunk with the intensity of least expected squared error [ledoit2004].

    Notes: the intensity is for independent patches; patches that overlap count as if they were.
    """
    size, estimate = len(sums.first), sums.scatter / sums.count
    scale = np.trace(estimate) / size
    target = scale * np.eye(size)
    distance = np.sum((estimate - target) ** 2)
    noise = (sums.fourth_of_centred / sums.count - np.sum(estimate**2)) / sums.count
    intensity = 1.0 if distance == 0 else min(max(noise, 0.0) / distance, 1.0)
    return (1 - intensity) * estimate + intensity * target


def sums_of_groups(stream: Iterable[np.ndarray], groups: list[slice]) -> list[PatchSums]:
    """Sums over a stream of (m, D) patches, apart for groups of their numbers.

    Raises:
        DataError: a patch holds NaN or infinite values.
    """
    sums: list[PatchSums] = []
    for block in stream:
        if not np.isfinite(block).all():
            raise DataError(
                "prior", "the patches hold NaN or infinite values", "mend or remove these images"
            )
        sums = sums or [PatchSums.around(block[:, group].mean(0)) for group in groups]
        for part, group in zip(sums, groups, strict=True):
            part.add(block[:, group])
    return sums
