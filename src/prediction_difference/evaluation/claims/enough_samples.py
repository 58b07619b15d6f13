"""Few draws give the map of many: first node."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps
from prediction_difference.settings import Name


class EnoughSamples(ClaimOfMaps):
    """Few draws give the map of many: first node."""

    claim: Literal["enough-samples"]
    than: Name = Field(description="the explanation with more draws")
    by: Literal["correlation", "standard-error"] = Field(
        "correlation",
        description="of both maps; or their difference as a multiple of its standard error",
    )
    limit: float = Field(
        0.95, gt=0, description="correlation at least, or multiple of the standard error at most"
    )
