"""Uniform random numbers: the baseline of every comparison."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prediction_difference.attribution.method import Method

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class RandomOrder(Method):
    """Uniform random numbers: the baseline of every comparison."""

    is_baseline: ClassVar[bool] = True
    is_random: ClassVar[bool] = True
    uses_classifier: ClassVar[bool] = False

    method: Literal["random"]

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        return 0

    def in_short(self, one: Any) -> str:
        return "random numbers\nbaseline"

    def in_words(self, maps: Sequence[Any]) -> str:
        return "uniform random numbers, the baseline"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        import numpy as np

        from prediction_difference import randomness

        keys = [randomness.image_key(given.seed, "random order", image) for image in images]
        drawn = [randomness.generator(key).random(images.shape[2:]) for key in keys]
        return np.stack(drawn)
