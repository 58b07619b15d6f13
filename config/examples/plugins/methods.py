"""A heatmap method of one's own: `method: config.examples.plugins.methods:SmoothedGradient`."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from prediction_difference.attribution.method import Given, Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from prediction_difference.attribution.nodes import Node


class SmoothedGradient(Method):
    """Mean gradient over noisy copies of an image, by the largest channel."""

    unit: ClassVar[str] = "activation per unit of input"
    is_random: ClassVar[bool] = True

    copies: int = Field(8, ge=1, description="noisy copies of an image")
    noise: float = Field(0.1, gt=0, description="standard deviation of the noise")

    def forwards_of_map(self, spatial: "Sequence[int] | None") -> int:
        """One pass for each copy."""
        return self.copies

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: Given
    ) -> "np.ndarray":
        """(N, *spatial) largest absolute mean gradient over the channels."""
        import numpy as np

        from prediction_difference import randomness
        from prediction_difference.attribution.backward import gradients_of

        generator = randomness.generator(given.seed)
        total = np.zeros(images.shape)
        for _ in range(self.copies):
            noise = generator.normal(0, self.noise, images.shape)
            total += gradients_of(classifier, images + noise, nodes, given.device)
        return np.abs(total / self.copies).max(axis=1)
