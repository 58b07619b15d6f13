"""Stanford Dogs: 120 breeds in a folder Images, and lists of its own split."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import CROP, Photographs, Side
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.folders import Collection


class StanfordDogs(Photographs):
    """Stanford Dogs: 120 breeds in a folder Images, and lists of its own split."""

    has_own_split: ClassVar[bool] = True

    source: Literal["stanford-dogs"]
    root: UserPath | None = Field(
        None,
        description="the folder that holds Images, train_list.mat and test_list.mat; null: "
        "stanford_dogs in $PDA_DATA, then ~/.cache/prediction-difference. It is not downloaded",
    )
    breeds: tuple[str, ...] = Field(
        (), description="take these only, such as Chihuahua, in this order; none: all"
    )
    size: tuple[Side, Side] | None = Field((224, 224), description=CROP)

    @property
    def known_classes(self) -> tuple[str, ...] | None:
        return self.breeds or None

    def find(self, where: str) -> "tuple[Collection, list[Problem]]":
        from prediction_difference.data import stanford_dogs

        return stanford_dogs.find(self, where)
