"""Windows change the first node by more than what the draws explain."""

from typing import TYPE_CHECKING, Literal

from prediction_difference.evaluation.claim import (
    ClaimOfMaps,
)

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class MeasurableEffect(ClaimOfMaps):
    """Windows change the first node by more than what the draws explain."""

    claim: Literal["measurable-effect"]

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np
        from scipy import stats

        from prediction_difference.evaluation.claim_numbers import SIGNIFICANT, windows_of
        from prediction_difference.evaluation.findings import Measured

        values = []
        for store in opened[self.explanation]:
            score, error = windows_of(store)
            # The standard error of few draws is uncertain itself, so the quantile is Student's.
            reach = float(stats.t.isf(SIGNIFICANT / 2, store.attrs["settings"]["samples"] - 1))
            values.append(float((np.abs(score) > reach * error).mean()))
        quantity = f"share of windows with a significant change, at {SIGNIFICANT:.0%}"
        return Measured(np.array(values), quantity, "", limit=SIGNIFICANT)
