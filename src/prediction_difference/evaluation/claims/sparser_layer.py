"""Relevance for the feature maps of a layer is sparser than for those of another one."""

from typing import Literal

from pydantic import Field

from prediction_difference.evaluation.claim import ClaimOfMaps


class SparserLayer(ClaimOfMaps):
    """Relevance for the feature maps of a layer is sparser than for those of another one."""

    claim: Literal["sparser-layer"]
    layer: str = Field(min_length=1, description="whose maps are sparser")
    than_layer: str = Field(min_length=1, description="than those of this layer")
    across: Literal["maps", "pixels"] = Field(
        "maps",
        description="maps: few maps have any; pixels: the pixels of each map, in the mean",
    )
