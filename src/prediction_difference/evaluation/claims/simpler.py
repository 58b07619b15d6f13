"""Heatmaps are less complex than those of another explanation."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfTable


class Simpler(ClaimOfTable):
    """Heatmaps are less complex than those of another explanation."""

    claim: Literal["simpler"]
    by: Literal["png_bytes", "jpeg_bytes", "entropy"] = Field(
        "entropy", description="of 8-bit pictures of the heatmaps: size of the file, or entropy"
    )

    @property
    def measured_by(self) -> str:
        return "complexity"
