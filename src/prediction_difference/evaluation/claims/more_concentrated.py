"""Relevance of the first node is on fewer pixels than another explanation's."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


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

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.claim_numbers import first_map, pairs_of
        from prediction_difference.evaluation.findings import Measured
        from prediction_difference.evaluation.map_numbers import entropy, top_share

        pairs = pairs_of(self, opened)
        if self.by == "entropy":
            values = [entropy(first_map(that)) - entropy(first_map(this)) for this, that in pairs]
            return Measured(np.array(values), f"entropy of {self.than} less that of this", "bits")
        values = [
            top_share(first_map(this), self.top) - top_share(first_map(that), self.top)
            for this, that in pairs
        ]
        quantity = f"share of relevance in the top {self.top:.0%} less that of {self.than}"
        return Measured(np.array(values), quantity, "")
