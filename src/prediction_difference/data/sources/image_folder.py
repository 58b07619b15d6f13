"""A folder of photographs, flat or with one subfolder per class."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import Photographs
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.folders import Collection


class ImageFolder(Photographs):
    """A folder of photographs, flat or with one subfolder per class."""

    source: Literal["image-folder"]
    root: UserPath = Field(description="the folder")
    clinical: bool = Field(
        False,
        description="true for scans and the like: pages and figures of these images say that they "
        "are not for clinical use, as those of volumes always do; nothing is computed anew",
    )
    said_only: ClassVar[frozenset[str]] = frozenset({"clinical"})

    @property
    def is_clinical(self) -> bool:
        return self.clinical

    def find(self, where: str) -> "tuple[Collection, list[Problem]]":
        from prediction_difference.data import image_folder

        return image_folder.find(self, where)
