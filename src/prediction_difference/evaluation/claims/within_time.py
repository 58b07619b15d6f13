"""An image takes at most so long."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps


class WithinTime(ClaimOfMaps):
    """An image takes at most so long."""

    claim: Literal["within-time"]
    seconds: float = Field(gt=0, description="that are published for an image")
