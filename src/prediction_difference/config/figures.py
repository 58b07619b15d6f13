"""Figures, as the configuration describes them."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.config.section import Name, Section

IMAGE = "image"
"""Stands for the image itself among the panels of a figure."""

Show = Literal["heatmap", "overlay", "mask"]
NODE_NAME_TAGS = ("node-number", "node-name")
NodeOfStore = Annotated[
    Annotated[int, Field(ge=0), Tag("node-number")] | Annotated[str, Tag("node-name")],
    Discriminator(lambda node: "node-name" if isinstance(node, str) else "node-number"),
]
"""A node of an explanation: its number, from 0, or its name in attribution stores."""
Zoom = tuple[
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
]
"""Top, left, height and width, in pixels."""
Inches = Annotated[float, Field(ge=0.8, le=8)]


class Panel(Section):
    """One map among the panels of an image."""

    explanation: Name
    node: NodeOfStore | None = Field(
        None,
        description="which of the explanation's nodes, by number from 0 or by name, such as score "
        "of rank 2; null: as the figure says",
    )
    show: Show | None = Field(None, description="null: as the figure says")
    zoom: Zoom | None = Field(
        None, description="the part that is shown: its top, left, height and width in pixels"
    )


PANEL_TAGS = ("named-panel", "panel", "no-panel")


def _sort_of_panel(panel: Any) -> str:
    if panel is None:
        return "no-panel"
    return "named-panel" if isinstance(panel, str) else "panel"


AnyPanel = Annotated[
    Annotated[Name, Tag("named-panel")]
    | Annotated[Panel, Tag("panel")]
    | Annotated[None, Tag("no-panel")],
    Discriminator(_sort_of_panel),
]
"""A map, an explanation by name, `image`, or null for an empty place."""


@dataclass(frozen=True)
class ShownPanel:
    """A map among the panels of an image, with everything that defaults say."""

    explanation: str
    node: int | str
    show: Show
    zoom: Zoom | None = None


PanelRow = tuple[ShownPanel | Literal["image"] | None, ...]


class DrawnFigure(Section):
    """What every figure needs."""

    paper: Name | None = Field(
        None, description="subfolder of figures/; null: the run's paper or name"
    )
    title: str = ""

    @property
    def explanation_names(self) -> tuple[str, ...]:
        """The explanations whose maps are shown."""
        return ()

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """The evaluations whose tables are drawn."""
        return ()

    @property
    def shown_images(self) -> tuple[str, ...] | None:
        """The images that are shown; None: all of the explanations."""
        return None


class HeatmapPanels(DrawnFigure):
    """Images and their heatmaps, by several explanations, classifiers or nodes."""

    kind: Literal["heatmaps"]
    explanations: tuple[Name, ...] = Field(
        (),
        description="the maps of an image, in one row; `image` among them says where the image "
        "stands, else it is first",
    )
    rows: dict[str, Annotated[tuple[AnyPanel, ...], Field(min_length=1)]] = Field(
        {},
        description="in place of explanations: the rows of panels of an image, by their titles; a "
        "panel is an explanation, `image`, null for none, or a part Panel",
    )
    columns: tuple[str, ...] = Field(
        (), description="titles of the columns; none: names of the explanations"
    )
    images: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None,
        description="the images to show, as the explanations name them or as sort and number, such "
        "as correct-1; null: all, which must be the same for all explanations",
    )
    node: NodeOfStore = Field(
        0,
        description="which of the explanations' nodes, by number from 0 or by name, where a panel "
        "does not say it",
    )
    show: Show = Field(
        "heatmap",
        description="overlay: over the image, grey and lightened; mask: the pixels with the "
        "largest absolute relevance",
    )
    top: float = Field(0.05, gt=0, lt=1, description="share of the pixels in a mask")
    limit: Literal["map", "row", "image", "figure"] = Field(
        "row",
        description="what shares one scale of colours: nothing, signed maps of one unit in a row "
        "of panels, of one image, or all of the figure",
    )
    across: int = Field(1, ge=1, description="images side by side, each with its panels")
    size: Inches = Field(1.35, description="width of a panel, in inches")

    @model_validator(mode="after")
    def _fits(self) -> "HeatmapPanels":
        if bool(self.explanations) == bool(self.rows):
            raise ValueError("panels are given by either explanations or rows; give one of them")
        if not self.explanation_names:
            raise ValueError("no map is shown; name an explanation")
        widths = {len(row) for _, row in self.panel_rows}
        if len(widths) > 1:
            raise ValueError("rows have different numbers of panels; fill them up with null")
        if self.columns and {len(self.columns)} != widths:
            raise ValueError(
                f"{len(self.columns)} titles of columns, but {widths.pop()} panels in a row; give "
                "one for each, the image's too"
            )
        return self

    @property
    def panel_rows(self) -> tuple[tuple[str, PanelRow], ...]:
        """Titles and panels of the rows of an image, with everything that defaults say."""
        if self.rows:
            return tuple((title, self._row(panels)) for title, panels in self.rows.items())
        is_placed = IMAGE in self.explanations
        return (("", self._row(self.explanations if is_placed else (IMAGE, *self.explanations))),)

    def _row(self, panels: tuple[Any, ...]) -> PanelRow:
        return tuple(self._panel(panel) for panel in panels)

    def _panel(self, panel: Any) -> Any:
        if panel is None or panel == IMAGE:
            return panel
        if isinstance(panel, str):
            return ShownPanel(panel, self.node, self.show)
        node = self.node if panel.node is None else panel.node
        return ShownPanel(panel.explanation, node, panel.show or self.show, panel.zoom)

    @property
    def panels(self) -> tuple[ShownPanel, ...]:
        """All maps of an image."""
        return tuple(p for _, row in self.panel_rows for p in row if isinstance(p, ShownPanel))

    @property
    def explanation_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(panel.explanation for panel in self.panels))

    @property
    def shown_images(self) -> tuple[str, ...] | None:
        return self.images


class ClearPanels(DrawnFigure):
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


class FeatureMaps(DrawnFigure):
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


class ComparedMethods(DrawnFigure):
    """What figures of several evaluations have in common."""

    evaluations: Annotated[dict[str, Name], Field(min_length=1)] = Field(
        description="evaluations by the titles of their panels"
    )
    labels: dict[Name, str] = Field(
        {},
        description="explanations that are shown, and what they are called, alike for several "
        "classifiers; none: all, by their names",
    )
    baseline: str | None = Field(
        None,
        description="label or name of the explanation that the others are compared with, image by "
        "image; null: the one by the method random",
    )

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return tuple(self.evaluations.values())


class MeasuredFigure(DrawnFigure):
    """What shows the table of one evaluation."""

    evaluation: Name

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)


class PerturbationCurves(MeasuredFigure):
    """Curves of a region perturbation, one per method, and their AOPC."""

    kind: Literal["perturbation-curves"]


class ComparedCurves(ComparedMethods):
    """Perturbation curves above a baseline [samek2017, Figs. 4, 8]; a panel per evaluation."""

    kind: Literal["compared-curves"]
    across: int = Field(3, ge=1, description="panels side by side")


class ComparedAreas(ComparedMethods):
    """AOPC above a baseline, with intervals, and what the maps cost; a panel per evaluation."""

    kind: Literal["compared-areas"]


class TrainingCurves(DrawnFigure):
    """AOPC above random order, and accuracy, over the epochs of a training [samek2017, Fig. 7]."""

    kind: Literal["training-curves"]
    evaluations: Annotated[tuple[Name, ...], Field(min_length=2)] = Field(
        description="of the same methods and images, one for each checkpoint"
    )
    labels: tuple[str, ...] = Field(
        (),
        description="what the explanations are called, in the order of every evaluation; none: as "
        "those of the first one",
    )

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return self.evaluations


class ComplexityPlots(MeasuredFigure):
    """Sizes of heatmaps as files, one method against others, and entropy [samek2017, Fig. 5]."""

    kind: Literal["complexity"]
    explanation: Name = Field(description="whose sizes the others' are plotted against")
    explanations: tuple[Name, ...] = Field((), description="the others; none: all")


class ContinuityArrows(MeasuredFigure):
    """Explanations of max(x1, x2) as arrows, and their largest change [samek2017, Fig. 3b]."""

    kind: Literal["continuity"]


class TurnedImages(MeasuredFigure):
    """Heatmaps of turned images, and their correlations [samek2017, Fig. 3c]."""

    kind: Literal["image-specificity"]


class RegionShares(MeasuredFigure):
    """Shares of relevance by region, and totals of images [samek2017, Fig. 3e]."""

    kind: Literal["aggregation"]


class ConsistencyPlots(MeasuredFigure):
    """Sums of relevance by scores, and histograms of relevance [montavon2017, Fig. 6]."""

    kind: Literal["consistency"]
    labels: dict[Name, str] = Field({}, description="titles of explanations, for their names")


class LocationPoints(MeasuredFigure):
    """Which samplers find the damage of simulated patients, with intervals over cohorts."""

    kind: Literal["location"]


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


class VolumeSlices(DrawnFigure):
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


class StrongFeatureCurves(MeasuredFigure):
    """Accuracy with only the strong features, and without, by their threshold."""

    kind: Literal["strong-features"]


Figure = Annotated[
    HeatmapPanels
    | ClearPanels
    | StrongFeatureCurves
    | FeatureMaps
    | PerturbationCurves
    | ComparedCurves
    | ComparedAreas
    | TrainingCurves
    | ComplexityPlots
    | ContinuityArrows
    | TurnedImages
    | RegionShares
    | ConsistencyPlots
    | LocationPoints
    | VolumeSlices,
    Field(discriminator="kind"),
]
