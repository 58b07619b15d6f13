"""Norm over channels of rectified signals on their way back [samek2017, section II-B]."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Start


class Deconvolution(Method):
    """Norm over channels of rectified signals on their way back [samek2017, section II-B]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["deconvolution"]
    norm: Literal["l2", "linf", "sum"] = Field(
        "l2", description="sum: the sum over channels, which has a sign [kumar2017]"
    )
    start: Start = Field(
        "slope",
        description="what is passed back: 1 at the class score; or where the last layer has a map "
        "for each class, as in all-convolutional networks, what is positive in it, and else the "
        "score [kumar2017, eq. 3]",
    )
