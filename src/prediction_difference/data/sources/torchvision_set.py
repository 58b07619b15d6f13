"""A data set that torchvision knows by name, with its own training and test split."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.data.source import Source
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Dataset


_DIGITS = tuple("0123456789")
_GREY, _COLOUR = ((28, 28), 1), ((32, 32), 3)
_FORMS: dict[str, tuple[tuple[tuple[int, int], int], tuple[str, ...] | None]] = {
    "mnist": (_GREY, _DIGITS),
    "fashion-mnist": (_GREY, None),
    "kmnist": (_GREY, None),
    "cifar10": (_COLOUR, None),
    "cifar100": (_COLOUR, None),
    "svhn": (_COLOUR, _DIGITS),
}
"""Sides and channels of the images, and classes where they are known beforehand."""


class TorchvisionSet(Source):
    """A data set that torchvision knows by name, with its own training and test split."""

    has_own_split: ClassVar[bool] = True

    source: Literal["mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "svhn"]
    root: UserPath | None = Field(
        None, description="folder; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch it if it is not there")
    images: int | None = Field(
        None, ge=1, description="seeded draw of so many images of each split; null: all"
    )

    @property
    def channel_count(self) -> int:
        return _FORMS[self.source][0][1]

    @property
    def known_shape(self) -> tuple[int, ...]:
        return _FORMS[self.source][0][0]

    @property
    def known_classes(self) -> tuple[str, ...] | None:
        return _FORMS[self.source][1]

    def check(self, name: str, seed: int) -> list[Problem]:
        from prediction_difference.data import torchvision_sets

        return torchvision_sets.check(self, name)

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import torchvision_sets

        return torchvision_sets.load(self, name, seed)
