"""Evidence over the slices of volumes [zintgraf2017, Figs. 9-12]."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.attribution.node_choices import NodeOfStore
from prediction_difference.errors import Problem
from prediction_difference.figures.checks import check_form, check_node, check_shown_images
from prediction_difference.figures.kind import Figure
from prediction_difference.lookup import Lookup, dataset_of_explanations
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


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

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        names = self.explanation_names
        yield from super().problems(where, lookup)
        yield from check_shown_images(where, self, lookup)
        yield from check_form(where, names, True, lookup)
        yield from self._problems_of_slices(where, lookup)
        for name in names:
            yield from check_node(where, name, self.node, lookup)

    def _problems_of_slices(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """Slices that are named must be in the slab, or in volumes whose size is known."""
        for key in ("titles", "hide_below_of"):
            for name in getattr(self, key):
                if name not in self.explanations:
                    what = f"{name!r} is not among the figure's explanations"
                    known = ", ".join(self.explanations)
                    yield Problem(f"{where}.{key}", what, f"they are {known}")
        dataset = dataset_of_explanations(self.explanation_names, lookup)
        if isinstance(self.slices, int) or dataset is None or not dataset.is_volume:
            return
        (axis,) = self.axes
        slab, shape = dataset.slab, lookup.shape_of(dataset)
        if slab is not None and slab.axis == axis:
            first, last = slab.start, slab.stop - 1
        elif shape is not None:
            first, last = 0, shape[axis] - 1
        else:
            return
        for number in self.slices:
            if not first <= number <= last:
                what = f"there is no slice {number} on axis {axis}"
                yield Problem(f"{where}.slices", what, f"there are {first} to {last}")

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.volume_slices import (
            ShownMap,
            SliceLayout,
            volume_slices,
        )

        shown = [
            ShownMap(one, self.titles.get(name, name), self.share_hidden(name))
            for name in self.explanation_names
            for one in inputs.maps(name, self.node, dimensions=3)
        ]
        weights = inputs.linear_weights(shown[0].map) if self.weights else None
        layout = SliceLayout(self.axes, self.slices, self.grounds, self.limit, self.across)
        return volume_slices(shown, weights, layout)
