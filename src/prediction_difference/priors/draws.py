"""Samplers: plausible contents of windows, given the rest of an image."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from prediction_difference.errors import DataError, PredictionDifferenceError
from prediction_difference.priors.conditional import ConditionalSampler
from prediction_difference.priors.marginal import MarginalSampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "ConditionalSampler",
    "MarginalSampler",
    "NormalSampler",
    "Sampler",
    "TensorSampler",
    "draw",
]


@runtime_checkable
class Sampler(Protocol):
    """Draws contents of windows of side `window`: all that a sampler of one's own needs."""

    @property
    def window(self) -> int:
        """Side k of a window."""

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """(C, *spatial), (n, d) -> (n, samples, C, *window) float32.

        The draws for a window depend on (seed, image, window) and on nothing else.
        """


@runtime_checkable
class TensorSampler(Sampler, Protocol):
    """A sampler that draws on the image's device, for all windows at once."""

    def draw(self, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor":
        """(C, *spatial), (n, d) int64 -> (n, samples, C, *window) float32 on the image's device.

        As `sample` draws. Corners may lie on the host: then nothing waits for the device.
        """


@runtime_checkable
class NormalSampler(Sampler, Protocol):
    """A sampler whose windows are normal, so that a linear classifier has an exact expectation."""

    @property
    def is_normal(self) -> bool:
        """Whether `moments` are those of the draws; not so where draws are clipped."""

    def moments(
        self, image: np.ndarray, corners: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield groups of windows: (members (m,), mean (m, C k^d), factor (C k^d, C k^d)).

        Which of the corners, the mean of their contents, and a square root F of their covariance
        F F', all float64.
        """


def draw(sampler: Sampler, image: "Tensor", corners: "Tensor", samples: int, seed: int) -> "Tensor":
    """(C, *spatial), (n, d) int64 -> (n, samples, C, *window) float32 draws on the image's device.

    Raises:
        DataError: a sampler of one's own fails, or returns another shape or values that are not
            finite.
    """
    if isinstance(sampler, ConditionalSampler | MarginalSampler):
        return sampler.draw(image, corners, samples, seed)
    import torch

    window = (sampler.window,) * (image.ndim - 1)
    try:
        contents = _own_draw(sampler, image, corners, samples, seed)
    except (PredictionDifferenceError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        what = f"fails ({type(error).__name__}: {error})"
        raise DataError(_named(sampler), what, "mend its draws") from error
    expected = (len(corners), samples, image.shape[0], *window)
    if tuple(contents.shape) != expected:
        raise DataError(
            _named(sampler),
            f"returned an array of shape {tuple(contents.shape)}",
            f"let it return (windows, samples, channels, *window) = {expected}",
        )
    if not bool(contents.isfinite().all()):
        raise DataError(
            _named(sampler),
            "returned NaN or infinite values",
            "let it return finite draws",
        )
    return contents


def _own_draw(
    sampler: Sampler, image: "Tensor", corners: "Tensor", samples: int, seed: int
) -> "Tensor":
    """What a user's sampler draws, as float32 on the image's device."""
    import torch

    if isinstance(sampler, TensorSampler):
        contents = sampler.draw(image, corners, samples, seed)
        return contents.to(image.device, torch.float32)
    drawn = sampler.sample(image.cpu().numpy(), corners.cpu().numpy(), samples, seed)
    return torch.as_tensor(np.asarray(drawn), dtype=torch.float32, device=image.device)


def _named(sampler: Sampler) -> str:
    return f"sampler {type(sampler).__module__}:{type(sampler).__qualname__}"
