"""An image takes at most so long."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class WithinTime(ClaimOfMaps):
    """An image takes at most so long."""

    claim: Literal["within-time"]
    seconds: float = Field(gt=0, description="that are published for an image")

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.findings import Measured

        values = np.array([float(store.attrs["seconds"]) for store in opened[self.explanation]])
        return Measured(values, "time for an image", "s", self.seconds, sense="below")
