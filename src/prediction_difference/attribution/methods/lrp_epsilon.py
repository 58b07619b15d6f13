"""Relevance in proportion to contributions, stabilised [samek2017, eq. 7]."""

from typing import ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.methods.layerwise import RelevanceOfScore
from prediction_difference.choices import Positive


class EpsilonRelevance(RelevanceOfScore):
    """Relevance in proportion to contributions, stabilised [samek2017, eq. 7]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["lrp_epsilon"]
    epsilon: Positive = Field(0.01, description="added to the size of every denominator")
    relative: bool = Field(
        False,
        description="epsilon is a multiple of the layer's root mean square, and so does not depend "
        "on the input's scale; the papers' values are for inputs of 0 to 255",
    )
