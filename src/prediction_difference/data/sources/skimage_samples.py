"""scikit-image's bundled photographs: ten, some of them grey, without classes."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import CROP, Photographs, Side
from prediction_difference.errors import Problem

if TYPE_CHECKING:
    from prediction_difference.data.folders import Collection


class SkimageSamples(Photographs):
    """scikit-image's bundled photographs: ten, some of them grey, without classes."""

    source: Literal["skimage-samples"]
    size: tuple[Side, Side] | None = Field((224, 224), description=CROP)

    def find(self, where: str) -> "tuple[Collection, list[Problem]]":
        from prediction_difference.data import skimage_samples

        return skimage_samples.find(), []
