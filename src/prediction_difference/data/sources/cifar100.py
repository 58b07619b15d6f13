"""CIFAR-100: 60 000 pictures of a hundred kinds of things."""

from typing import ClassVar, Literal

from prediction_difference.data.sources.torchvision_sets import CifarSet


class CIFAR100(CifarSet):
    """CIFAR-100: 60 000 pictures of a hundred kinds of things."""

    torchvision_name: ClassVar[str] = "CIFAR100"
    label_key: ClassVar[str] = "fine_labels"
    archive: ClassVar[str] = "cifar-100-python.tar.gz"
    checksum: ClassVar[str] = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"

    source: Literal["cifar100"]

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(f"cifar-100-python/{file}" for file in ("train", "test", "meta"))
