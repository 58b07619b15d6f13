"""Maps of the classes' scores correlate more with each other than those of probabilities."""

from typing import Literal

from prediction_difference.evaluation.claim import (
    ClaimOfMaps,
)


class SimilarClasses(ClaimOfMaps):
    """Maps of the classes' scores correlate more with each other than those of probabilities."""

    claim: Literal["similar-classes"]
