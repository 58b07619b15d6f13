"""Ten classes of ImageNet that are told apart easily, in a folder imagenette2-160 or so."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import KnownPhotographs

if TYPE_CHECKING:
    from prediction_difference.data.downloads import Resource

_CHECKSUMS = {
    "full": "de32de18a7d8df0114d5e2c3c14cafb9558e8f00441a73aa7953681ad02be49c",
    "320px": "5020a9130cea0348272823cb12d2db7e981c6f2afa3dce71ccd5b8013005c55e",
    "160px": "88daccb09b6fce93f45e6c09ddeb269cce705549e6bff322092a2a5a11489863",
}


class Imagenette(KnownPhotographs):
    """Ten classes of ImageNet that are told apart easily, in a folder imagenette2-160 or so."""

    source: Literal["imagenette"]
    part: Literal["train", "val"] = Field("val", description="which of its parts")
    resolution: Literal["full", "320px", "160px"] = Field(
        "320px", description="of the files: the shorter side, or as in ImageNet"
    )

    @property
    def entries(self) -> tuple[str, ...]:
        return (f"imagenette2{self._suffix}",)

    @property
    def _suffix(self) -> str:
        return "" if self.resolution == "full" else f"-{self.resolution[:-2]}"

    @property
    def resources(self) -> "tuple[Resource, ...]":
        from prediction_difference.data.downloads import Resource

        address = f"https://s3.amazonaws.com/fast-ai-imageclas/imagenette2{self._suffix}.tgz"
        return (Resource((address,), _CHECKSUMS[self.resolution]),)

    def images_folder(self, root: Path) -> Path:
        return super().images_folder(root) / self.part

    def opened(self, root: Path) -> Any:
        from torchvision import datasets

        return datasets.Imagenette(root, self.part, self.resolution)

    def listed(self, opened: Any) -> tuple[Sequence[Any], Sequence[int], tuple[str, ...]]:
        files, labels = ([sample[n] for sample in opened._samples] for n in (0, 1))
        # The first of a class' names, as lists of ImageNet's classes are read.
        return files, labels, tuple(names[0] for names in opened.classes)
