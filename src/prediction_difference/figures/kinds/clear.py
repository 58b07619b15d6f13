"""CLEAR maps, with heatmaps for and against the true class [kumar2017, Figs. 1 to 7]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.figures.kind import Figure, Inches
from prediction_difference.settings import Name


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
