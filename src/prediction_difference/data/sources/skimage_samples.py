"""scikit-image's bundled photographs: ten, some of them grey, without classes."""

from typing import Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import CROP, Photographs, Side


class SkimageSamples(Photographs):
    """scikit-image's bundled photographs: ten, some of them grey, without classes."""

    source: Literal["skimage-samples"]
    size: tuple[Side, Side] | None = Field((224, 224), description=CROP)
