"""Norm of the gradient over channels [samek2017, eq. 3; simonyan2013]."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method


class Sensitivity(Method):
    """Norm of the gradient over channels [samek2017, eq. 3; simonyan2013]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["sensitivity"]
    norm: Literal["l2", "linf", "squared"] = Field(
        "l2", description="squared: the square of l2 [montavon2017, section 2.2]"
    )
