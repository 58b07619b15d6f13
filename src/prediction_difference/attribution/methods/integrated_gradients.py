"""Mean gradient on the way from a plain image, times the way [sundararajan2017]."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Count


class IntegratedGradients(Method):
    """Mean gradient on the way from a plain image, times the way [sundararajan2017]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["integrated_gradients"]
    images_per_job: int = Field(128, ge=1, description="images that one job works on")
    steps: Count = Field(32, description="gradients on the way")
    baseline: float = Field(0.0, description="value of all pixels of the plain image")
