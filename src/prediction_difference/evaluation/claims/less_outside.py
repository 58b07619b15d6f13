"""Less relevance than another explanation's lies outside of what the label is about."""

from typing import Literal

from prediction_difference.evaluation.claim import (
    ClaimOfTable,
)


class LessOutside(ClaimOfTable):
    """Less relevance than another explanation's lies outside of what the label is about."""

    claim: Literal["less-outside"]

    @property
    def measured_by(self) -> str:
        return "consistency"
