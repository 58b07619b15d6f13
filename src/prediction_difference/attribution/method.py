"""The protocol of heatmap methods."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.image_choice import Images
from prediction_difference.attribution.node_choices import AnyNode, NodeChoice, node_names
from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Concept, Name


class Method(Concept):
    """A heatmap method, and what it explains: images and nodes of a classifier."""

    chosen_by: ClassVar[str] = "method"

    default_output: ClassVar[Literal["probability", "score"]] = "score"
    """What is explained of a class where a node does not say it."""
    explains_layers: ClassVar[bool] = False
    """Whether units and feature maps of layers can be explained, not classes alone."""
    is_baseline: ClassVar[bool] = False
    """Whether other methods are compared with it."""
    is_passed_back: ClassVar[bool] = False
    """Whether it goes back through a network, of whatever inputs."""
    explains_anew: ClassVar[bool] = True
    """Whether it explains images that are no dataset's, such as turned ones."""

    method: str
    classifier: Name
    images: Images = Field(description="names of images, or how many of each sort")
    nodes: Annotated[tuple[AnyNode, ...], Field(min_length=1)] = Field(
        (NodeChoice(),), description="what is explained, in one pass"
    )
    images_per_job: int = Field(
        2048,
        ge=1,
        description="images that one job works on; many for a method that takes less than a second "
        "an image, so that starting a job is a small part of it",
    )

    # --- what others ask ------------------------------------------------------------------------

    @property
    def chunk_count(self) -> int:
        """Jobs that share one image."""
        return 1

    @property
    def node_count(self) -> int | None:
        """How many nodes are explained; None where classes or maps are not yet counted."""
        names = [node_names(node, "") for node in self.nodes]
        return None if None in names else sum(len(some) for some in names if some is not None)

    @property
    def prior_name(self) -> str | None:
        """The prior that it draws from."""
        return None

    @property
    def reference_name(self) -> str | None:
        """The dataset that it draws from, if that is not the explained one."""
        return None

    @property
    def removes_layer(self) -> bool:
        """Whether its maps are of a hidden layer's places or units, not of pixels."""
        return False

    def windows_of(self, prior: str) -> set[int]:
        """Sides of the windows for which it draws from a prior."""
        return set()

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from ()
