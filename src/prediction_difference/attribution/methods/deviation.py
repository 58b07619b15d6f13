"""How far every voxel is from the mean of the training images; for linear classifiers."""

from typing import Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Favours


class DeviationFromMean(Method):
    """How far every voxel is from the mean of the training images; for linear classifiers."""

    method: Literal["deviation"]
    favours: Favours = Field(
        "lower", description="values that speak for the second class, such as low FA for patients"
    )
    weighted: bool = Field(
        False, description="times the weights: what each voxel adds to the log odds"
    )
