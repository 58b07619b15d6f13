"""Relevance is smoother, or lies in fewer pieces, than another explanation's."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfNode
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


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

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.claim_numbers import pairs_of
        from prediction_difference.evaluation.findings import Measured

        both = [[_scatter(self, store) for store in pair] for pair in pairs_of(self, opened)]
        values = np.array([this - that for this, that in both])
        if self.by == "neighbours":
            quantity = f"correlation of neighbours less that of {self.than}"
            return Measured(values, quantity, "")
        quantity = (
            f"clusters for 100 voxels above {self.hide_below:.0%} of the largest, less those of "
            f"{self.than}"
        )
        return Measured(values, quantity, "", sense="below")


def _scatter(claim: LessScattered, store: Any) -> float:
    from prediction_difference.evaluation.claim_numbers import map_of
    from prediction_difference.evaluation.map_numbers import clusters, neighbour_correlation

    relevance = map_of(store, claim.node)
    if claim.by == "clusters":
        return clusters(relevance, claim.hide_below)
    return neighbour_correlation(relevance, (store["image"].values != 0).any(axis=0))
