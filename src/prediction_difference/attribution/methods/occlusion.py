"""What the score loses under a plain window [zeiler2014]."""

from typing import Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Count


class Occlusion(Method):
    """What the score loses under a plain window [zeiler2014]."""

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
