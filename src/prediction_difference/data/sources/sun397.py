"""SUN397: 108 754 scenes of 397 categories, in a folder SUN397."""

from typing import Literal

from prediction_difference.data.sources.photographs import KnownPhotographs


class SUN397(KnownPhotographs):
    """SUN397: 108 754 scenes of 397 categories, in a folder SUN397."""

    source: Literal["sun397"]
