"""A data source of one's own: `source: config.examples.plugins.sources:Bars`."""

from typing import TYPE_CHECKING

from pydantic import Field

from prediction_difference.data.source import Source

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Dataset


class Bars(Source):
    """Noisy images with a bar, which is horizontal or vertical."""

    images: int = Field(120, ge=4, description="number of images, half of each class")
    side: int = Field(12, ge=6, description="height and width, in pixels")
    noise: float = Field(0.1, ge=0, description="standard deviation")
    test_fraction: float | None = Field(
        0.25, gt=0, lt=1, description="share of the images held out for testing, by class"
    )

    @property
    def known_shape(self) -> tuple[int, ...]:
        """Height and width, which are known without reading anything."""
        return self.side, self.side

    @property
    def known_classes(self) -> tuple[str, ...]:
        """The classes in the order of the scores."""
        return "horizontal", "vertical"

    def read(self, name: str, seed: int) -> "Dataset":
        """The images with labels and splits; the same for the same name and seed."""
        import numpy as np

        from prediction_difference import randomness
        from prediction_difference.data.dataset import Dataset
        from prediction_difference.data.splits import assign_splits

        generator = randomness.generator(randomness.key(seed, name, "bars"))
        labels = np.arange(self.images) % 2
        images = generator.normal(0.3, self.noise, (self.images, 1, self.side, self.side))
        for image, label in zip(images[:, 0], labels, strict=True):
            place = int(generator.integers(2, self.side - 2))
            image[(slice(None), place) if label else place] += 0.5
        return Dataset(
            images=np.clip(images, 0, 1).astype(np.float32),
            names=tuple(f"bar-{number:03d}" for number in range(self.images)),
            labels=labels,
            split=assign_splits(labels, self, seed, name),
            class_names=self.known_classes,
            facts={"full_scale": [0.0, 1.0]},
        )
