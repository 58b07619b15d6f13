"""What the score loses under a plain window [zeiler2014]."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Count

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


class Occlusion(Method):
    """What the score loses under a plain window [zeiler2014]."""

    unit: ClassVar[str] = "activation"
    has_sign: ClassVar[bool] = True
    takes_plane: ClassVar[bool] = True

    method: Literal["occlusion"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    window: Count = Field(9, description="side of a window, in pixels or voxels")
    stride: Count = Field(3, description="step between windows, in pixels or voxels")
    fill: float = Field(0.5, description="value of the window")

    @model_validator(mode="after")
    def _windows_cover(self) -> "Occlusion":
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} leaves pixels between windows of side {self.window}; "
                f"set stride to at most {self.window}"
            )
        return self

    def in_short(self, one: Any) -> str:
        return f"occlusion\nwindows of {self.window}, value {self.fill:g}"

    def in_words(self, maps: Sequence[Any]) -> str:
        return (
            f"occlusion by windows of side {self.window} and value {self.fill:g}, stride "
            f"{self.stride}"
        )

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        from prediction_difference.priors.windows import WindowGrid

        if spatial is None:
            return None
        return math.prod(WindowGrid(tuple(spatial), self.window, self.stride).shape)

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        import numpy as np

        from prediction_difference.attribution.engines.choosing import choose_engine
        from prediction_difference.priors.windows import WindowGrid

        engine = choose_engine(classifier, "auto", given.device, window=self.window)
        grid = WindowGrid(images.shape[2:], self.window, self.stride)
        found = []
        for image, node in zip(images, nodes, strict=True):
            prepared = engine.prepare(image)
            value = prepared.values([node])[0]
            plain = _Plain(self.window, self.fill)
            rows = [
                value - prepared.expectation(grid.row(row), plain, 1, 0, [node]).mean[0]
                for row in range(grid.shape[0])
            ]
            found.append(grid.average(np.stack(rows).reshape(1, *grid.shape))[0])
        return np.stack(found)


@dataclass(frozen=True)
class _Plain:
    """A sampler that knows one content only."""

    window: int
    fill: float

    def sample(
        self, image: "np.ndarray", corners: "np.ndarray", samples: int, seed: int
    ) -> "np.ndarray":
        """(n, samples, C, *window) of the same number."""
        import numpy as np

        sides = (self.window,) * (image.ndim - 1)
        return np.full((len(corners), samples, len(image), *sides), self.fill, dtype=np.float32)
