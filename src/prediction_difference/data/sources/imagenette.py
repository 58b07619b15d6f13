"""Ten classes of ImageNet that are told apart easily, in a folder imagenette2-160 or so."""

from typing import Literal

from pydantic import Field

from prediction_difference.data.sources.photographs import KnownPhotographs


class Imagenette(KnownPhotographs):
    """Ten classes of ImageNet that are told apart easily, in a folder imagenette2-160 or so."""

    source: Literal["imagenette"]
    part: Literal["train", "val"] = Field("val", description="which of its parts")
    resolution: Literal["full", "320px", "160px"] = Field(
        "320px", description="of the files: the shorter side, or as in ImageNet"
    )
