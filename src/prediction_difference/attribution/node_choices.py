"""What is explained, as explanations choose it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictInt, StrictStr, Tag, model_validator

from prediction_difference.choices import Natural
from prediction_difference.settings import Section

Number = Natural
"""Of a map, or of a place along an axis, from 0."""


class NodeChoice(Section):
    """A class."""

    of: Literal["predicted", "label"] | StrictStr | StrictInt | None = Field(
        "predicted",
        description="predicted, label, a class name, or a class number from 0; null with rank",
    )
    rank: int | None = Field(
        None, ge=1, description="in place of `of`: the class with the n-th highest score, from 1"
    )
    output: Literal["probability", "score"] | None = Field(
        None, description="null: probability for prediction-difference, score for the others"
    )

    @model_validator(mode="before")
    @classmethod
    def _rank_replaces_default(cls, raw: Any) -> Any:
        is_ranked = isinstance(raw, dict) and raw.get("rank") is not None
        return {"of": None, **raw} if is_ranked else raw

    @model_validator(mode="after")
    def _one_of_both(self) -> "NodeChoice":
        if (self.of is None) == (self.rank is None):
            raise ValueError("a class is named by either `of` or `rank`; give one of them")
        return self

    @property
    def which(self) -> str:
        """The class in words that hold for every image."""
        return f"rank {self.rank}" if self.of is None else str(self.of)


class ClassNodes(Section):
    """Many classes, in one pass."""

    classes: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        description="all, in the order of their numbers; or so many with the highest scores"
    )
    output: Literal["probability", "score"] | None = Field(
        None, description="null: probability for prediction-difference, score for the others"
    )


class LayerMaps(Section):
    """Feature maps of a layer, or units of one without maps; for prediction-difference only."""

    layer: str = Field(min_length=1, description="name of a module of the network")
    maps: Literal["all"] | Annotated[tuple[Number, ...], Field(min_length=1)] = Field(
        description="all, or numbers from 0; a map's value is its mean"
    )


class LayerUnit(Section):
    """One unit of a layer; for prediction-difference only."""

    layer: str = Field(min_length=1, description="name of a module of the network")
    unit: Number = Field(description="number of the unit, or of its feature map, from 0")
    position: tuple[Number, ...] = Field(
        (), description="place in the map, one number per axis, from 0"
    )


NODE_TAGS = ("class-node", "classes-node", "maps-node", "unit-node")


def _sort_of_node(node: Any) -> str:
    if isinstance(node, dict):
        if "layer" in node:
            return "unit-node" if "unit" in node else "maps-node"
        return "classes-node" if "classes" in node else "class-node"
    if isinstance(node, LayerUnit | LayerMaps):
        return "unit-node" if isinstance(node, LayerUnit) else "maps-node"
    return "classes-node" if isinstance(node, ClassNodes) else "class-node"


AnyNode = Annotated[
    Annotated[NodeChoice, Tag("class-node")]
    | Annotated[ClassNodes, Tag("classes-node")]
    | Annotated[LayerMaps, Tag("maps-node")]
    | Annotated[LayerUnit, Tag("unit-node")],
    Discriminator(_sort_of_node),
]


def node_names(node: AnyNode, default_output: str) -> tuple[str, ...] | None:
    """Names of the nodes that a choice stands for, in order; None for all classes or maps."""
    match node:
        case NodeChoice():
            return (f"{node.output or default_output} of {node.which}",)
        case LayerUnit(layer=layer, unit=unit, position=position):
            place = f" at {', '.join(map(str, position))}" if position else ""
            return (f"unit {unit}{place} of {layer}",)
        case LayerMaps(maps="all"):
            return None
        case ClassNodes(classes=count, output=output):
            if count == "all":
                return None
            return tuple(f"{output or default_output} of rank {n + 1}" for n in range(count))
        case LayerMaps(layer=layer, maps=maps):
            return tuple(f"map {number} of {layer}" for number in maps)


def has_node(nodes: Sequence[AnyNode], name: str, default_output: str) -> bool:
    """Whether a node of this name may be among chosen ones; classes and maps are not counted."""
    return any(_may_be(node, name, default_output) for node in nodes)


def _may_be(node: AnyNode, name: str, default_output: str) -> bool:
    names = node_names(node, default_output)
    if names is not None:
        return name in names
    if isinstance(node, ClassNodes):
        return name.startswith(f"{node.output or default_output} of ")
    number, _, layer = name.removeprefix("map ").partition(" of ")
    return isinstance(node, LayerMaps) and number.isdecimal() and layer == node.layer


NODE_NAME_TAGS = ("node-number", "node-name")
NodeOfStore = Annotated[
    Annotated[int, Field(ge=0), Tag("node-number")] | Annotated[str, Tag("node-name")],
    Discriminator(lambda node: "node-name" if isinstance(node, str) else "node-number"),
]
"""A node of an explanation: its number, from 0, or its name in attribution stores."""


def count_of_nodes(nodes: Sequence[AnyNode], classes: Sequence[str] | None) -> int | None:
    """How many nodes are chosen, of so many classes; None where only the network tells."""
    counts = [_count_of(node, classes) for node in nodes]
    return None if None in counts else sum(count for count in counts if count is not None)


def _count_of(node: AnyNode, classes: Sequence[str] | None) -> int | None:
    if isinstance(node, ClassNodes) and node.classes == "all":
        return None if classes is None else len(classes)
    known = node_names(node, "")
    return None if known is None else len(known)
