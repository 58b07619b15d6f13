"""MIT Places: scenes of 365 categories, with torchvision's names of files."""

from typing import Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import KnownPhotographs


class Places365(KnownPhotographs):
    """MIT Places: scenes of 365 categories, with torchvision's names of files."""

    source: Literal["places365"]
    part: Literal["train-standard", "train-challenge", "val", "test"] = Field(
        "val", description="which of its parts; test is without classes"
    )
    small: bool = Field(True, description="the files of 256 x 256 pixels, not the large ones")
