"""Maps of images of one label are less alike than those of another explanation."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfNode
from prediction_difference.settings import Name


class SpecificToImage(ClaimOfNode):
    """Maps of images of one label are less alike than those of another explanation."""

    claim: Literal["specific-to-image"]
    than: Name = Field(description="the other explanation, of the same images")
