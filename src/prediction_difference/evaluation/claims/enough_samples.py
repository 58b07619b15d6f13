"""Few draws give the map of many: first node."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claim import ClaimOfMaps
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


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

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.claim_numbers import first_map, pairs_of
        from prediction_difference.evaluation.findings import Measured
        from prediction_difference.evaluation.map_numbers import correlation

        pairs = pairs_of(self, opened)
        if self.by == "correlation":
            values = [correlation(first_map(this), first_map(that)) for this, that in pairs]
            return Measured(np.array(values), f"correlation with {self.than}", "", self.limit)
        values = [_relative_difference(this, that) for this, that in pairs]
        quantity = f"difference of windows from {self.than}, root mean square"
        return Measured(np.array(values), quantity, "standard errors", self.limit, sense="below")


def _relative_difference(this: Any, that: Any) -> float:
    import numpy as np

    from prediction_difference.evaluation.claim_numbers import windows_of

    (score, error), (other, other_error) = windows_of(this), windows_of(that)
    if score.shape != other.shape:
        raise StoreError(this.attrs["explanation"], "has other windows", "use the same stride")
    variance = error.astype(np.float64) ** 2 + other_error.astype(np.float64) ** 2
    known = variance > 0
    return float(np.sqrt(np.mean((score - other)[known] ** 2 / variance[known])))
