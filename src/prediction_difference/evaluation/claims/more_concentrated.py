"""Relevance of the first node is on fewer pixels than another explanation's."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps
from prediction_difference.settings import Name


class MoreConcentrated(ClaimOfMaps):
    """Relevance of the first node is on fewer pixels than another explanation's."""

    claim: Literal["more-concentrated"]
    than: Name = Field(description="the other explanation, of the same images")
    by: Literal["entropy", "top-share"] = Field(
        "entropy",
        description="of absolute relevance: its entropy over the pixels, or the share of it in the "
        "pixels that have most",
    )
    top: float = Field(0.05, gt=0, lt=1, description="share of the pixels, for top-share")
