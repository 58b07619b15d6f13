"""CIFAR-10: 60 000 pictures of ten kinds of things."""

from pathlib import Path
from typing import ClassVar, Literal

from prediction_difference.data.sources.torchvision_sets import CifarSet


class CIFAR10(CifarSet):
    """CIFAR-10: 60 000 pictures of ten kinds of things, original files or JPEG."""

    torchvision_name: ClassVar[str] = "CIFAR10"
    label_key: ClassVar[str] = "labels"
    archive: ClassVar[str] = "cifar-10-python.tar.gz"
    checksum: ClassVar[str] = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

    source: Literal["cifar10"]

    @property
    def members(self) -> tuple[str, ...]:
        batches = (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta")
        return tuple(f"cifar-10-batches-py/{file}" for file in batches)

    @property
    def example(self) -> str:
        from prediction_difference.data import cifar10_jpegs

        return f"{self.members[0]}, or {cifar10_jpegs.EXAMPLE}"

    def jpegs(self, root: Path) -> Path | None:
        from prediction_difference.data import cifar10_jpegs
        from prediction_difference.data.torchvision_sets import missing

        return cifar10_jpegs.find(root) if missing(self, root) else None
