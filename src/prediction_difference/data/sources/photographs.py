"""What all sources of photographs have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.data.source import Source
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Catalogue, Dataset
    from prediction_difference.data.downloads import Resource
    from prediction_difference.data.folders import Collection

Side = Annotated[int, Field(ge=1)]
"""Number of pixels along one side of an image."""
CROP = (
    "height and width of the crop of the centre; null: none is made, so that all images must have "
    "one size after scaling"
)


def _sort_of_files(files: Any) -> str:
    return "file-list" if isinstance(files, list | tuple) else "list-file"


def _sort_of_sides(resize: Any) -> str:
    return "two-sides" if isinstance(resize, list | tuple) else "one-side"


FileList = (
    Annotated[
        Annotated[tuple[str, ...], Field(min_length=1), Tag("file-list")]
        | Annotated[UserPath, Tag("list-file")],
        Discriminator(_sort_of_files),
    ]
    | None
)
Resize = (
    Annotated[
        Annotated[Side, Tag("one-side")] | Annotated[tuple[Side, Side], Tag("two-sides")],
        Discriminator(_sort_of_sides),
    ]
    | None
)


class Photographs(Source):
    """Which photographs of a folder are taken, and how they get one size."""

    files: FileList = Field(
        None,
        description="take these images only, named as below root, with or without suffix: a list, "
        "or a text file with one a line; null: all",
    )
    images: int | None = Field(
        None, ge=1, description="seeded draw of so many images; null: all of them"
    )
    per_class: int | None = Field(
        None, ge=1, description="seeded draw of so many images of each class; null: all of them"
    )
    size: tuple[Side, Side] | None = Field(None, description=CROP)
    resize: Resize = Field(
        None,
        description="scaling before the crop: length of the shorter side, or height and width "
        "whatever the proportions; null: as much as the crop asks for",
    )
    interpolation: Literal["bicubic", "bilinear"] = Field(
        "bicubic", description="of scaling, both with antialiasing"
    )
    channels: Literal[1, 3] = Field(3, description="1 for grey, 3 for colour")

    @property
    def channel_count(self) -> int:
        return self.channels

    @property
    def known_shape(self) -> tuple[int, ...] | None:
        return self.size or (self.resize if isinstance(self.resize, tuple) else None)

    @abstractmethod
    def find(self, where: str) -> "tuple[Collection, list[Problem]]":
        """All photographs that there are, with their classes, and problems of the folder.

        Raises:
            DataError: the files are not there or damaged.
            OSError: the folder cannot be searched.
        """

    @property
    def is_to_download(self) -> bool:
        """Whether something is missing, and is to be fetched."""
        return False

    def fetch(self) -> None:
        """Download what is missing.

        Raises:
            DataError: the download fails.
        """

    def check(self, name: str, seed: int) -> list[Problem]:
        from prediction_difference.data import photographs

        return photographs.check(self, name, seed)

    def catalogue(self, name: str, seed: int) -> "Catalogue | None":
        from prediction_difference.data import photographs

        return photographs.catalogue(self, name, seed)

    def shape(self, name: str, seed: int) -> tuple[int, ...] | None:
        from prediction_difference.data import photographs

        return self.known_shape or photographs.shape(self, name, seed)

    def files_behind(self, name: str, seed: int) -> list[Path]:
        from prediction_difference.data import photographs

        return photographs.files(self, name, seed)

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import photographs

        return photographs.load(self, name, seed)

    @model_validator(mode="after")
    def _one_draw(self) -> "Photographs":
        if self.images is not None and self.per_class is not None:
            raise ValueError("images and per_class exclude each other; set one of them to null")
        return self

    @model_validator(mode="after")
    def _crop_fits(self) -> "Photographs":
        if self.size is None or self.resize is None:
            return self
        sides = self.resize if isinstance(self.resize, tuple) else (self.resize,)
        # Of an image whose shorter side is scaled, the other one is known only with the file.
        crop = self.size if len(sides) == 2 else (min(self.size),)
        if any(part > whole for part, whole in zip(crop, sides, strict=True)):
            height, width = self.size
            raise ValueError(
                f"a crop of {height} x {width} does not fit into images that are scaled to "
                f"{' x '.join(map(str, sides))}; raise resize, or lower size"
            )
        return self


class KnownPhotographs(Photographs):
    """Photographs that torchvision knows where to get, and how they are sorted."""

    source: str
    root: UserPath | None = Field(
        None, description="folder; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch it, some GB, if it is not there")
    size: tuple[Side, Side] | None = Field((224, 224), description=CROP)

    @property
    @abstractmethod
    def entries(self) -> tuple[str, ...]:
        """Files and folders that torchvision reads, relative to root; the last has the images."""

    @property
    @abstractmethod
    def resources(self) -> "tuple[Resource, ...]":
        """Where its files are published."""

    @abstractmethod
    def opened(self, root: Path) -> Any:
        """One of torchvision's data set objects."""

    @abstractmethod
    def listed(self, opened: Any) -> tuple[Sequence[Any], Sequence[int], tuple[str, ...]]:
        """Paths of the images, their labels, and the names of the classes in their order."""

    def default_root(self) -> Path:
        """The folder that torchvision calls root, where none is said."""
        from prediction_difference.data.folders import default_root

        return default_root()

    def images_folder(self, root: Path) -> Path:
        """The folder that the names of images begin in."""
        return root / self.entries[-1]

    def lists(self, root: Path) -> tuple[Path, ...]:
        """Files that tell of the images."""
        return tuple(root / entry for entry in self.entries[:-1])

    def find(self, where: str) -> "tuple[Collection, list[Problem]]":
        from prediction_difference.data import known_photographs

        return known_photographs.find(self, where)

    @property
    def is_to_download(self) -> bool:
        from prediction_difference.data import known_photographs

        return known_photographs.is_to_download(self)

    def fetch(self) -> None:
        from prediction_difference.data import known_photographs

        known_photographs.fetch(self)

    def files_behind(self, name: str, seed: int) -> list[Path]:
        """None where they may be downloaded, since the download would seem to be a change."""
        return [] if self.download else super().files_behind(name, seed)
