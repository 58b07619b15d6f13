"""SUN397: 108 754 scenes of 397 categories, in a folder SUN397."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prediction_difference.data.sources.photographs import KnownPhotographs

if TYPE_CHECKING:
    from prediction_difference.data.downloads import Resource

_CHECKSUM = "f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec"


class SUN397(KnownPhotographs):
    """SUN397: 108 754 scenes of 397 categories, in a folder SUN397."""

    source: Literal["sun397"]

    @property
    def entries(self) -> tuple[str, ...]:
        return ("SUN397",)

    @property
    def resources(self) -> "tuple[Resource, ...]":
        from prediction_difference.data.downloads import Resource

        address = "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz"
        return (Resource((address,), _CHECKSUM),)

    def lists(self, root: Path) -> tuple[Path, ...]:
        return (root / self.entries[-1] / "ClassName.txt",)

    def opened(self, root: Path) -> Any:
        from torchvision import datasets

        return datasets.SUN397(root)

    def listed(self, opened: Any) -> tuple[Sequence[Any], Sequence[int], tuple[str, ...]]:
        return opened._image_files, opened._labels, tuple(opened.classes)
