"""All explained feature maps of layers, for one image [zintgraf2017, Fig. 5]."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import LayerMaps
from prediction_difference.errors import Problem
from prediction_difference.figures.checks import check_form, check_shown_images
from prediction_difference.figures.kind import Figure
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs
    from prediction_difference.figures.maps import Map


class FeatureMaps(Figure):
    """All explained feature maps of layers, for one image [zintgraf2017, Fig. 5]."""

    shows_all_images: ClassVar[bool] = False

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

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        names = self.explanation_names
        yield from super().problems(where, lookup)
        yield from check_shown_images(where, self, lookup)
        yield from check_form(where, names, False, lookup)
        entries = [lookup.entry("explanations", name) for name in names]
        nodes = [node for entry in entries if entry is not None for node in entry.nodes]
        layers = {node.layer for node in nodes if isinstance(node, LayerMaps)}
        missing = [layer for layer in self.layers if layer not in layers]
        if None not in entries and (missing or not layers):
            what = f"maps of {', '.join(missing) or 'layers'} are not explained"
            remedy = "add nodes such as {layer: <name>, maps: all} to its explanations"
            yield Problem(f"{where}.layers", what, remedy)

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.errors import StoreError
        from prediction_difference.figures.feature_maps import feature_maps
        from prediction_difference.figures.inputs import refuse_another_image
        from prediction_difference.figures.maps import read_layers

        layers: dict[str, list[Map]] = {}
        for name in self.explanation_names:
            (path, *_) = inputs.stores(name)
            layers |= read_layers(path)
        missing = [layer for layer in self.layers if layer not in layers]
        if missing:
            raise StoreError(
                f"explanation {', '.join(self.explanation_names)}",
                f"has no maps of {', '.join(missing)}, but of {', '.join(layers)}",
                "correct the figure's layers, or add nodes to the explanation",
            )
        chosen = [layers[layer] for layer in self.layers or layers]
        for maps in chosen:
            refuse_another_image(chosen[0][0], maps[0])
        return feature_maps(chosen, self.limit)
