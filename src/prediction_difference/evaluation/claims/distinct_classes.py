"""Maps of images of one label are more alike than those of images of different labels."""

from typing import Literal

from prediction_difference.evaluation.claim import (
    ClaimOfNode,
)


class DistinctClasses(ClaimOfNode):
    """Maps of images of one label are more alike than those of images of different labels."""

    claim: Literal["distinct-classes"]
