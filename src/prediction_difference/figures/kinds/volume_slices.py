"""Evidence over the slices of volumes [zintgraf2017, Figs. 9-12]."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.attribution.node_choices import NodeOfStore
from prediction_difference.figures.kind import Figure
from prediction_difference.settings import Name

SLICE_TAGS = ("slice-count", "slice-numbers")
Axis = Annotated[int, Field(ge=0, le=2)]
Share = Annotated[float, Field(ge=0, lt=1)]
Slices = Annotated[
    Annotated[int, Field(ge=1), Tag("slice-count")]
    | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1), Tag("slice-numbers")],
    Discriminator(
        lambda slices: "slice-numbers" if isinstance(slices, list | tuple) else "slice-count"
    ),
]
"""How many slices, evenly spaced where there is tissue, or which."""


class VolumeSlices(Figure):
    """Evidence over the slices of volumes [zintgraf2017, Figs. 9-12]."""

    kind: Literal["volume-slices"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="whose maps are shown, a row for each and for each axis"
    )
    titles: dict[Name, str] = Field({}, description="of explanations, for their names")
    images: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None,
        description="the images to show, as the explanations name them or as sort and number; "
        "null: all, which must be the same for all explanations",
    )
    node: NodeOfStore = Field(
        0, description="which of the explanations' nodes, by number from 0 or by name"
    )
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)] = Field(
        (0,), description="stored axes that slices are on"
    )
    slices: Slices = Field(
        4,
        description="how many on each axis, evenly spaced; or a list of their numbers on the only "
        "one, counted from 0 as the file stores them, also where a slab was cut out",
    )
    grounds: Annotated[
        tuple[Literal["lightened", "image", "reversed"], ...], Field(min_length=1)
    ] = Field(
        ("lightened",),
        description="what lies below the colours, a panel for each: the image in light greys, as "
        "it is, or in reversed greys",
    )
    hide_below: Share = Field(
        0.15, description="hide values below this share of the map's largest absolute one"
    )
    hide_below_of: dict[Name, Share] = Field(
        {}, description="the same share of single explanations"
    )
    limit: Literal["map", "explanation", "figure"] = Field(
        "figure", description="what shares one scale of colours"
    )
    weights: bool = Field(
        True, description="those of a linear classifier as the last row, for comparison"
    )
    across: int = Field(1, ge=1, description="rows side by side, filled column by column")

    @model_validator(mode="after")
    def _slices_are_of_one_axis(self) -> "VolumeSlices":
        if len(self.axes) > 1 and not isinstance(self.slices, int):
            raise ValueError(
                "numbers of slices are those of one axis, but there are several axes; say how "
                "many slices, or draw several figures"
            )
        return self

    @property
    def explanation_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.explanations))

    @property
    def shown_images(self) -> tuple[str, ...] | None:
        return self.images

    def share_hidden(self, explanation: str) -> float:
        """Below which share of its largest absolute value the map of an explanation is hidden."""
        return self.hide_below_of.get(explanation, self.hide_below)
