"""ImageNet (ILSVRC) as it lies on this machine: by class, or flat."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import CROP, Photographs, Side
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.folders import Collection


class ImageNet(Photographs):
    """ImageNet (ILSVRC) as it lies on this machine: by class, or flat."""

    source: Literal["imagenet"]
    root: UserPath | None = Field(
        None,
        description="the folder: subfolders by WordNet id, a flat one, or one with either in train "
        "or val; null: imagenet or imagenet_sample in $PDA_DATA, then ~/.cache/"
        "prediction-difference. It cannot be downloaded",
    )
    ground_truth: UserPath | None = Field(
        None,
        description="classes of a flat folder: lines of a file's name and its WordNet id, or its "
        "class number in network order, from 0; or ILSVRC2012_validation_ground_truth.txt with "
        "meta.mat beside it; null: WordNet ids at the beginning of the names, or no classes",
    )
    class_names: UserPath | None = Field(
        None,
        description="classes in network order, one a line: a WordNet id and names, as in Caffe's "
        "synset_words.txt; null: synset_words.txt in root",
    )
    size: tuple[Side, Side] | None = Field((224, 224), description=CROP)

    def find(self, where: str) -> "tuple[Collection, list[Problem]]":
        from prediction_difference.data import imagenet

        return imagenet.find(self, where)
