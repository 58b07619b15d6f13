"""Images and their heatmaps, by several explanations, classifiers or nodes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.attribution.node_choices import NodeOfStore
from prediction_difference.errors import Problem
from prediction_difference.figures.checks import check_form, check_node, check_shown_images
from prediction_difference.figures.kind import Figure, Inches
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name, Section

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs
    from prediction_difference.figures.maps import Map
    from prediction_difference.figures.panels import Block
    from prediction_difference.figures.panels import Panel as DrawnPanel


IMAGE = "image"
"""Stands for the image itself among the panels of a figure."""
Show = Literal["heatmap", "overlay", "mask"]
Zoom = tuple[
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
]
"""Top, left, height and width, in pixels."""


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


class HeatmapPanels(Figure):
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

    @property
    def key_of_explanations(self) -> str:
        return "rows" if self.rows else "explanations"

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from super().problems(where, lookup)
        yield from check_shown_images(where, self, lookup)
        yield from check_form(where, self.explanation_names, False, lookup)
        for panel in self.panels:
            yield from check_node(where, panel.explanation, panel.node, lookup)

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.heatmap_panels import Layout, heatmap_panels
        from prediction_difference.figures.panels import with_limits

        columns = {
            panel: inputs.maps(panel.explanation, panel.node, dimensions=2) for panel in self.panels
        }
        slots = [one.slot for one in next(iter(columns.values()))]
        blocks = [
            self._block({panel: _of_slot(maps, slot) for panel, maps in columns.items()})
            for slot in slots
        ]
        titles = [title for title, _ in self.panel_rows]
        layout = Layout(titles, self.columns, self.across, self.size)
        return heatmap_panels(with_limits(blocks, self.limit), layout, self.limit)

    def _block(self, maps: "Mapping[ShownPanel, Map]") -> "Block":
        """The panels of one image; the image in a row is that of the row's first map."""
        from prediction_difference.figures.inputs import refuse_another_image
        from prediction_difference.figures.panels import Block

        first = next(iter(maps.values()))
        for one in maps.values():
            refuse_another_image(first, one)
        rows = []
        for _, row in self.panel_rows:
            of_row = next((maps[p] for p in row if isinstance(p, ShownPanel)), first)
            rows.append([self._drawn(panel, maps, of_row) for panel in row])
        return Block(rows)

    def _drawn(
        self, panel: ShownPanel | str | None, maps: "Mapping[ShownPanel, Map]", of_row: "Map"
    ) -> "DrawnPanel | None":
        from prediction_difference.figures.maps import zoomed
        from prediction_difference.figures.panels import Panel as DrawnPanel

        if panel is None:
            return None
        if isinstance(panel, str):
            return DrawnPanel(of_row, "image")
        shown = maps[panel] if panel.zoom is None else zoomed(maps[panel], panel.zoom)
        return DrawnPanel(shown, panel.show, top=self.top)


def _of_slot(maps: "Sequence[Map]", slot: str) -> "Map":
    from prediction_difference.errors import StoreError

    for one in maps:
        if one.slot == slot:
            return one
    raise StoreError(
        f"explanation {maps[0].explanation}",
        f"has no map of image {slot}, which another explanation of the figure has",
        "explain the same images with both",
    )
