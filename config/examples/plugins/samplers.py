"""A sampler of one's own: `sampler: {sampler: config.examples.plugins.samplers:Shuffled, ...}`."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from prediction_difference import randomness
from prediction_difference.priors.sampling import Material, Sampling


class Shuffled(Sampling):
    """Pixels of the surroundings of a window, drawn with replacement."""

    is_conditional: ClassVar[bool] = True

    margin: int = Field(2, ge=1, description="pixels around a window that are drawn from")

    def of_images(self, material: Material) -> "ShuffledSampler":
        """What draws; it needs nothing but the explained image itself."""
        return ShuffledSampler(material.window, self.margin)


@dataclass(frozen=True)
class ShuffledSampler:
    """Draws whole pixels of the ring of width `margin` around a window of side `window`."""

    window: int
    margin: int

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """(n, samples, C, *window): the draws belong to the seed, the image and the corner."""
        key = randomness.image_key(seed, "shuffled", image)
        sides = (self.window,) * (image.ndim - 1)
        drawn = []
        for corner in corners:
            low, high = np.maximum(corner - self.margin, 0), corner + self.window
            is_around = np.zeros(image.shape[1:], dtype=bool)
            is_around[tuple(map(slice, low, high + self.margin))] = True
            is_around[tuple(map(slice, corner, high))] = False
            pixels = image[:, is_around]
            generator = randomness.generator(randomness.key(key, *map(int, corner)))
            chosen = generator.integers(pixels.shape[1], size=(samples, *sides))
            drawn.append(np.moveaxis(pixels[:, chosen], 0, 1))
        return np.stack(drawn).astype(np.float32)
