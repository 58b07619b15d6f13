"""MIT Places: scenes of 365 categories, with torchvision's names of files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import KnownPhotographs

if TYPE_CHECKING:
    from prediction_difference.data.downloads import Resource

_PLACES = "http://data.csail.mit.edu/places/places365/"
# Of the large files and of the challenge's, only MD5 sums are published.
_CHECKSUMS = {
    "filelist_places365-standard.tar": (
        "520699e00d69b63ddc29fac54645aa00ce1c10ca42e288960aa1cf791d6e9aa9"
    ),
    "filelist_places365-challenge.tar": "70a8307e459c3de41690a7c76c931734",
    "train_256_places365standard.tar": (
        "0ade5d7d38c682aa0203014a2b99ad3bf608bf1de0f151dc0d80efba54660a0a"
    ),
    "train_256_places365challenge.tar": "741915038a5e3471ec7332404dfb64ef",
    "train_large_places365standard.tar": "67e186b496a84c929568076ed01a8aa1",
    "train_large_places365challenge.tar": "605f18e68e510c82b958664ea134545f",
    "val_256.tar": "24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48",
    "val_large.tar": "9b71c4993ad89d2d8bcbdc4aef38042f",
    "test_256.tar": "037ee8180369bdde46636341b92900d4bcb8ea000c026a1fd3e0e9827a8702a1",
    "test_large.tar": "41a4b6b724b1d2cd862fb3871ed59913",
}
_CATEGORY = slice(3, None)
"""Of the scenes' names: without the letter in front, as in /a/abbey."""


class Places365(KnownPhotographs):
    """MIT Places: scenes of 365 categories, with torchvision's names of files."""

    source: Literal["places365"]
    part: Literal["train-standard", "train-challenge", "val", "test"] = Field(
        "val", description="which of its parts; test is without classes"
    )
    small: bool = Field(True, description="the files of 256 x 256 pixels, not the large ones")

    @property
    def entries(self) -> tuple[str, ...]:
        kind = "challenge" if self.part == "train-challenge" else "standard"
        size = "256" if self.small else "large"
        is_train = self.part.startswith("train")
        folder = f"data_{size}_{kind}" if is_train else f"{self.part}_{size}"
        return "categories_places365.txt", f"places365_{self.part.replace('-', '_')}.txt", folder

    @property
    def resources(self) -> "tuple[Resource, ...]":
        from prediction_difference.data.downloads import Resource

        size = "256" if self.small else "large"
        variant = "challenge" if self.part == "train-challenge" else "standard"
        lists = f"filelist_places365-{variant}.tar"
        images, renamed = f"{self.part}_{size}.tar", None
        if self.part.startswith("train"):
            images = f"train_{size}_places365{variant}.tar"
            renamed = (f"data_{size}", f"data_{size}_{variant}")
        return (
            Resource((f"{_PLACES}{lists}",), _CHECKSUMS[lists]),
            Resource((f"{_PLACES}{images}",), _CHECKSUMS[images], renamed=renamed),
        )

    def default_root(self) -> Path:
        """A folder of its own: unlike the others, Places has none inside."""
        return super().default_root() / self.source

    def opened(self, root: Path) -> Any:
        from torchvision import datasets

        return datasets.Places365(root, self.part, self.small)

    def listed(self, opened: Any) -> tuple[Sequence[Any], Sequence[int], tuple[str, ...]]:
        from prediction_difference.data.dataset import UNLABELLED

        classes = sorted(opened.class_to_idx, key=opened.class_to_idx.get)
        files = [file for file, _ in opened.imgs]
        labels = [UNLABELLED if label is None else label for label in opened.targets]
        return files, labels, tuple(name[_CATEGORY] for name in classes)
