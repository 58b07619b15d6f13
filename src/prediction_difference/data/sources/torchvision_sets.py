"""What data sets have in common that torchvision knows, with their own training and test split."""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from prediction_difference.data.source import Source
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Dataset
    from prediction_difference.data.downloads import Resource
    from prediction_difference.data.torchvision_sets import Part


class TorchvisionSet(Source):
    """A data set that torchvision knows, with its own training and test split."""

    has_own_split: ClassVar[bool] = True
    torchvision_name: ClassVar[str]
    """Of its class in torchvision.datasets."""
    smaller_split: ClassVar[int] = 10_000
    """How many test images there are, known without the files."""

    root: UserPath | None = Field(
        None, description="folder; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch it if it is not there")
    images: int | None = Field(
        None, ge=1, description="seeded draw of so many images of each split; null: all"
    )

    @property
    @abstractmethod
    def members(self) -> tuple[str, ...]:
        """Files that torchvision reads, relative to root."""

    @property
    @abstractmethod
    def resources(self) -> "tuple[Resource, ...]":
        """Where the files are published."""

    @abstractmethod
    def read_part(self, split: str, root: Path) -> "Part":
        """The images of one of its splits.

        Raises:
            DataError: a file is damaged.
        """

    @property
    def example(self) -> str:
        """A file that tells a person what the right folder looks like."""
        return self.members[0]

    @property
    def downloaded(self) -> tuple[str, ...]:
        """What a download leaves, relative to root."""
        return self.members

    def places(self, root: Path, file: str) -> list[Path]:
        """Where a member may lie."""
        return [root / file]

    def jpegs(self, root: Path) -> Path | None:
        """The same images as JPEG files, where the original ones are not there."""
        return None

    def check(self, name: str, seed: int) -> list[Problem]:
        from prediction_difference.data import torchvision_sets

        return torchvision_sets.check(self, name)

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import torchvision_sets

        return torchvision_sets.load(self, name, seed)


class IdxSet(TorchvisionSet):
    """A set of 28 x 28 grey pixels in IDX files."""

    mirrors: ClassVar[tuple[str, ...]]
    """Addresses of folders with the packed files."""
    checksums: ClassVar[tuple[str, ...]]
    """SHA-256 of these files: training images and labels, test images and labels."""

    @property
    def known_shape(self) -> tuple[int, ...]:
        return 28, 28

    @property
    def folder(self) -> str:
        """Where the files lie, relative to root."""
        return f"{self.torchvision_name}/raw"

    @property
    def members(self) -> tuple[str, ...]:
        names = (f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in _IDX_KINDS)
        return tuple(f"{self.folder}/{name}" for name in names)

    @property
    def downloaded(self) -> tuple[str, ...]:
        return tuple(f"{member}.gz" for member in self.members)

    @property
    def resources(self) -> "tuple[Resource, ...]":
        from prediction_difference.data.downloads import Resource

        files = (Path(member).name for member in self.downloaded)
        return tuple(
            Resource(tuple(f"{m}{file}" for m in self.mirrors), checksum, self.folder, False)
            for file, checksum in zip(files, self.checksums, strict=True)
        )

    @property
    def example(self) -> str:
        first = self.members[0]
        return f"{first} or {self.source}/{Path(first).name}.gz"

    def places(self, root: Path, file: str) -> list[Path]:
        """A file may also be packed, as it is distributed, in a folder with the set's name."""
        path = root / file
        packed = f"{path.name}.gz"
        return [path, path.with_name(packed), root / self.source / packed]

    def read_part(self, split: str, root: Path) -> "Part":
        from prediction_difference.data.torchvision_sets import read_idx_part

        return read_idx_part(self, split, root)


_IDX_KINDS = ("images-idx3", "labels-idx1")


class CifarSet(TorchvisionSet):
    """A set of 32 x 32 pixels in colour, in pickles."""

    label_key: ClassVar[str]
    """Of the labels in the pickles."""
    archive: ClassVar[str]
    """Name of the packed file."""
    checksum: ClassVar[str]
    """SHA-256 of the packed file."""

    @property
    def channel_count(self) -> int:
        return 3

    @property
    def known_shape(self) -> tuple[int, ...]:
        return 32, 32

    @property
    def resources(self) -> "tuple[Resource, ...]":
        from prediction_difference.data.downloads import Resource

        return (Resource((f"https://www.cs.toronto.edu/~kriz/{self.archive}",), self.checksum),)

    def read_part(self, split: str, root: Path) -> "Part":
        from prediction_difference.data.torchvision_sets import read_cifar

        return read_cifar(self, split, root)
