"""An explanation takes less time than another one."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class Cheaper(ClaimOfMaps):
    """An explanation takes less time than another one."""

    claim: Literal["cheaper"]
    than: Name = Field(description="the other explanation, of the same images")

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.claim_numbers import pairs_of
        from prediction_difference.evaluation.findings import Measured

        values = [
            np.log2(that.attrs["seconds"] / this.attrs["seconds"])
            for this, that in pairs_of(self, opened)
        ]
        return Measured(np.array(values), f"doublings of time to {self.than}", "doublings")
