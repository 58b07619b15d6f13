"""Relevance is smoother, or lies in fewer pieces, than another explanation's."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfNode
from prediction_difference.settings import Name


class LessScattered(ClaimOfNode):
    """Relevance is smoother, or lies in fewer pieces, than another explanation's."""

    claim: Literal["less-scattered"]
    than: Name = Field(description="the other explanation, of the same images")
    by: Literal["neighbours", "clusters"] = Field(
        "neighbours",
        description="correlation of neighbouring pixels where the image is not 0; or clusters of "
        "strong pixels of one sign, for 100 of them",
    )
    hide_below: float = Field(
        0.15, ge=0, lt=1, description="share of the largest absolute value; for clusters"
    )
