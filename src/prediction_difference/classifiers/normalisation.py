"""How images are normalised before a network."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from prediction_difference.settings import Section


class Normalisation(Section):
    """(scale * image - mean) / std of each channel, before the network, with images in 0 to 1."""

    mean: tuple[float, ...] = Field(description="of each channel, in the network's order")
    std: tuple[float, ...] = Field(description="of each channel, in the network's order")
    scale: float = Field(1.0, gt=0, description="what white stands for, such as 255")
    order: Literal["rgb", "bgr"] = Field("rgb", description="of the channels the network takes")

    @model_validator(mode="after")
    def _agree(self) -> "Normalisation":
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std have different lengths; give one number per channel")
        if any(s <= 0 for s in self.std):
            raise ValueError("std holds a number that is not positive; correct it")
        if self.order == "bgr" and len(self.mean) != 3:
            raise ValueError(f"bgr are three channels, not {len(self.mean)}; remove order")
        return self


NORMALISATIONS = {
    "imagenet": Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "caffe": Normalisation(mean=(104.0, 117.0, 123.0), std=(1.0, 1.0, 1.0), scale=255, order="bgr"),
}
"""By name: what torchvision's weights of ImageNet, and BVLC's and other Caffe models, expect."""


def _named_normalisation(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in NORMALISATIONS:
        raise ValueError(f"there is no {value!r}; choose from {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[value]


AnyNormalisation = Annotated[
    Normalisation,
    BeforeValidator(
        _named_normalisation, json_schema_input_type=Literal["imagenet", "caffe"] | Normalisation
    ),
]
"""Numbers, or the name of known ones."""
