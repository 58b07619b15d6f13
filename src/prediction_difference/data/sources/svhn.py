"""SVHN: 99 000 digits of house numbers in colour."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.data.sources.torchvision_sets import TorchvisionSet

if TYPE_CHECKING:
    from prediction_difference.data.downloads import Resource
    from prediction_difference.data.torchvision_sets import Part

_CHECKSUMS = (
    "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
)


class SVHN(TorchvisionSet):
    """SVHN: 99 000 digits of house numbers in colour."""

    torchvision_name: ClassVar[str] = "SVHN"
    smaller_split: ClassVar[int] = 26_032

    source: Literal["svhn"]

    @property
    def channel_count(self) -> int:
        return 3

    @property
    def known_shape(self) -> tuple[int, ...]:
        return 32, 32

    @property
    def known_classes(self) -> tuple[str, ...]:
        return tuple("0123456789")

    @property
    def members(self) -> tuple[str, ...]:
        return "train_32x32.mat", "test_32x32.mat"

    @property
    def resources(self) -> "tuple[Resource, ...]":
        from prediction_difference.data.downloads import Resource

        folder = "http://ufldl.stanford.edu/housenumbers/"
        return tuple(
            Resource((f"{folder}{file}",), checksum, is_archive=False)
            for file, checksum in zip(self.members, _CHECKSUMS, strict=True)
        )

    def read_part(self, split: str, root: Path) -> "Part":
        from prediction_difference.data.torchvision_sets import read_house_numbers

        return read_house_numbers(self, split, root)
