"""An explanation takes less time than another one."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps
from prediction_difference.settings import Name


class Cheaper(ClaimOfMaps):
    """An explanation takes less time than another one."""

    claim: Literal["cheaper"]
    than: Name = Field(description="the other explanation, of the same images")
