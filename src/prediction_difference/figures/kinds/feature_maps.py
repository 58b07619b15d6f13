"""All explained feature maps of layers, for one image [zintgraf2017, Fig. 5]."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.figures.kind import Figure
from prediction_difference.settings import Name


class FeatureMaps(Figure):
    """All explained feature maps of layers, for one image [zintgraf2017, Fig. 5]."""

    kind: Literal["feature-maps"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="whose nodes are maps of layers, such as {layer: conv1, maps: all}"
    )
    layers: tuple[str, ...] = Field((), description="which layers, in order; none: all explained")
    image: str | None = Field(
        None,
        description="as the explanations name it or as sort and number; null: their first image",
    )
    limit: Literal["map", "layer"] = Field(
        "map", description="what shares one scale of colours: nothing, or the maps of a layer"
    )

    @property
    def explanation_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.explanations))

    @property
    def shown_images(self) -> tuple[str, ...] | None:
        return None if self.image is None else (self.image,)

    def shown_slots(self, explanations: Mapping[str, Method]) -> dict[str, list[str]]:
        found = super().shown_slots(explanations)
        return {name: some[:1] for name, some in found.items()}
