"""A prior of one's own: `kind: config.examples.plugins.priors:PixelHistogram`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from prediction_difference import randomness
from prediction_difference.priors.kind import Prior

if TYPE_CHECKING:
    from prediction_difference.priors.kind import Fitted


class PixelHistogram(Prior):
    """Every pixel of a window is drawn alone, from the values of all pixels."""

    bins: int = Field(64, ge=2, description="of the histogram of each channel")

    def fit(self, images: np.ndarray, mask: np.ndarray | None, seed: int) -> "Fitted":
        """Quantiles of the values of each channel."""
        levels = np.linspace(0, 1, self.bins)
        channels = np.moveaxis(images, 1, 0).reshape(images.shape[1], -1)
        return Histogram(np.quantile(channels, levels, axis=1).T)

    def restored(
        self, arrays: Mapping[str, np.ndarray], kept: Mapping[int, Mapping[str, np.ndarray]]
    ) -> "Fitted":
        """The histogram with these quantiles."""
        return Histogram(arrays["quantiles"])


@dataclass(frozen=True)
class Histogram:
    """quantiles: (C, bins) evenly spaced quantiles of the values of each channel."""

    quantiles: np.ndarray

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What the store keeps."""
        return {"quantiles": self.quantiles}

    def sampler(self, window: int, clip: tuple[float, float] | None) -> "HistogramSampler":
        """Draws from the histogram; its values lie in the images' range anyway."""
        return HistogramSampler(self.quantiles, window)


@dataclass(frozen=True)
class HistogramSampler:
    """Draws the pixels of windows of side `window` independently."""

    quantiles: np.ndarray
    window: int

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """(n, samples, C, *window): the draws belong to the seed, the image and the corner."""
        key = randomness.image_key(seed, "histogram", image)
        sides = (self.window,) * (image.ndim - 1)
        drawn = []
        for corner in corners:
            generator = randomness.generator(randomness.key(key, *map(int, corner)))
            levels = generator.random((samples, len(image), *sides))
            grid = np.linspace(0, 1, self.quantiles.shape[1])
            pairs = zip(np.moveaxis(levels, 1, 0), self.quantiles, strict=True)
            drawn.append(np.stack([np.interp(u, grid, q) for u, q in pairs], axis=1))
        return np.stack(drawn).astype(np.float32)
