"""CLEAR maps, with heatmaps for and against the true class [kumar2017, Figs. 1 to 7]."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_classes
from prediction_difference.figures.checks import check_form, check_shown_images
from prediction_difference.figures.kind import Figure, Inches
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class ClearPanels(Figure):
    """CLEAR maps, with heatmaps for and against the true class [kumar2017, Figs. 1 to 7]."""

    kind: Literal["clear"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with nodes of several classes, such as nodes: [{classes: all}]"
    )
    parts: Annotated[
        tuple[Literal["heatmap", "binary", "classes", "response", "clear", "overlay"], ...],
        Field(min_length=1),
    ] = Field(
        ("heatmap", "clear"),
        description="what is shown of each explanation: heatmap and binary of the label's class "
        "against all others, the class that responds most and its response, the CLEAR map that "
        "these two make, and this over the image",
    )
    titles: dict[Name, str] = Field({}, description="of explanations, for their names")
    images: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None,
        description="the images to show, as the explanations name them or as sort and number; "
        "null: all",
    )
    palette: Literal["hues", "distinct"] = Field(
        "hues",
        description="of the classes: hues of the paper, or ten colours that are told apart with a "
        "colour vision deficiency too",
    )
    binary_from: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the largest response from which a pixel is in a binary map",
    )
    full_at: float = Field(
        100,
        gt=0,
        le=100,
        description="percentile of a map's positive responses that has full colour in a CLEAR map; "
        "100: the largest, beside which those of large photographs are dark",
    )
    across: int = Field(2, ge=1, description="images side by side")
    size: Inches = Field(0.8, description="width of a panel, in inches")

    @property
    def explanation_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.explanations))

    @property
    def shown_images(self) -> tuple[str, ...] | None:
        return self.images

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        names = self.explanation_names
        yield from super().problems(where, lookup)
        yield from check_shown_images(where, self, lookup)
        yield from check_form(where, names, False, lookup)
        yield from check_classes(f"{where}.explanations", names, lookup)

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.clear_panels import (
            ClearLayout,
            clear_panels,
            read_responses,
        )
        from prediction_difference.figures.inputs import refuse_another_image

        columns = {
            name: [read_responses(path) for path in inputs.stores(name)]
            for name in self.explanation_names
        }
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for row in rows:
            first, *others = row.values()
            for other in others:
                refuse_another_image(first, other)
        layout = ClearLayout(
            self.parts,
            self.titles,
            self.across,
            self.size,
            self.palette,
            self.binary_from,
            self.full_at,
        )
        return clear_panels(rows, layout)
