"""Windows change the first node by more than what the draws explain."""

from typing import Literal

from prediction_difference.evaluation.claim import (
    ClaimOfMaps,
)


class MeasurableEffect(ClaimOfMaps):
    """Windows change the first node by more than what the draws explain."""

    claim: Literal["measurable-effect"]
