"""A claim of one's own: `claim: config.examples.plugins.claims:LessOnBorder`."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from config.examples.plugins.measures import EdgeShare
from prediction_difference.evaluation.claim import ClaimOfTable

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured
    from prediction_difference.evaluation.measure import Measure


class LessOnBorder(ClaimOfTable):
    """Less relevance than another explanation's lies on the border of the images."""

    measured_by: ClassVar[tuple["type[Measure]", ...]] = (EdgeShare,)

    margin: float = Field(0.0, ge=0, lt=1, description="by how much less, as a share")

    def measured(self, opened: Any) -> "Measured":
        """The share of this explanation less that of the other, for each image."""
        from prediction_difference.evaluation.findings import Measured

        table = opened[self.evaluation]
        shares = table.pivot(index="image", columns="explanation", values="share")
        values = (shares[self.explanation] - shares[self.than]).to_numpy()
        quantity = f"share on the border less that of {self.than}"
        return Measured(values, quantity, "", limit=-self.margin, sense="below")
