"""Perturbed in the order of a heatmap, images lose more than in that of another one."""

from typing import Literal

from prediction_difference.evaluation.claim import (
    ClaimOfTable,
)


class LargerAopc(ClaimOfTable):
    """Perturbed in the order of a heatmap, images lose more than in that of another one."""

    claim: Literal["larger-aopc"]

    @property
    def measured_by(self) -> str:
        return "aopc"
