"""The protocol of heatmap methods."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.image_choice import Images, batches, slots
from prediction_difference.attribution.node_choices import (
    AnyNode,
    ClassNodes,
    NodeChoice,
    count_of_nodes,
    node_names,
)
from prediction_difference.costs import BYTES_OF_FLOAT, Work, WorkKind
from prediction_difference.errors import DataError, EntryError, Problem
from prediction_difference.families import METHODS
from prediction_difference.lookup import Lookup, Shapes, by
from prediction_difference.run import Config
from prediction_difference.settings import Concept, Name

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.bench import Bench, Explained
    from prediction_difference.attribution.nodes import Node
    from prediction_difference.attribution.task import Task
    from prediction_difference.priors.kind import Fitted


class Method(Concept):
    """A heatmap method, and what it explains: images and nodes of a classifier."""

    chosen_by: ClassVar[str] = "method"

    unit: ClassVar[str] = "none"
    """Of the values of its maps."""
    has_sign: ClassVar[bool] = False
    """Whether the sign of a value means something."""
    is_random: ClassVar[bool] = False
    """Whether a map depends on the run's seed."""
    needs_training: ClassVar[bool] = False
    """Whether it takes the images that the classifier was fitted to."""
    takes_plane: ClassVar[bool] = False
    """Whether it takes a linear classifier as it is, not as a network."""
    is_of_plane: ClassVar[bool] = False
    """Whether it explains linear classifiers only."""
    default_output: ClassVar[Literal["probability", "score"]] = "score"
    """What is explained of a class where a node does not say it."""
    kind_of_work: ClassVar[WorkKind] = "passes"
    """How it runs a network, for those who estimate how long that takes."""
    explains_layers: ClassVar[bool] = False
    """Whether units and feature maps of layers can be explained, not classes alone."""
    uses_classifier: ClassVar[bool] = True
    """Whether a map says something of the classifier."""
    subject: ClassVar[str] = "Signed maps"
    """What captions call maps whose sign means something."""
    is_baseline: ClassVar[bool] = False
    """Whether other methods are compared with it."""
    is_passed_back: ClassVar[bool] = False
    """Whether it goes back through a network, of whatever inputs."""
    explains_anew: ClassVar[bool] = True
    """Whether it explains images that are no dataset's, such as turned ones."""

    scheduling: ClassVar[frozenset[str]] = frozenset(
        {"images", "chunks", "images_per_job", "batch_size"}
    )
    """Settings that say who computes what when; a map does not depend on them, but for the last
    bits of its numbers on the batch size."""

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
    def of_map(self) -> dict[str, Any]:
        """The settings that a map depends on, JSON-like."""
        return self.model_dump(mode="json", exclude=set(self.scheduling))

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

    @property
    def relevance_unit(self) -> str:
        """The unit of its maps, with these settings."""
        return self.unit

    def unit_of(self, node: "Node") -> str:
        """The unit of the map of a node."""
        return self.relevance_unit

    @property
    def is_signed(self) -> bool:
        """Whether the sign of its maps means something, with these settings."""
        return self.has_sign

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        """How many images the classifier is run on for one map of an image with these sides.

        None where that depends on sides that are not known.
        """
        return 1

    def cost(
        self, spatial: Sequence[int], channels: int, nodes: int, is_linear: bool
    ) -> tuple[int | None, int | None, str]:
        """Forward passes and bytes of one image; or why they are not known.

        is_linear: whether the classifier is a plane.
        """
        pixels = math.prod(spatial)
        each = self.forwards_of_map(spatial)
        # The working store and the published one; standard errors are published, too.
        size = BYTES_OF_FLOAT * (2 * channels * pixels + 3 * nodes * pixels)
        return None if each is None else each * nodes, size, ""

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        """What it costs to explain all images; shapes: of datasets whose files were looked at."""
        classifier = config.classifiers[self.classifier]
        dataset = config.datasets[classifier.dataset]
        spatial = dataset.known_shape or shapes.get(classifier.dataset)
        forwards, size, unknown = self._counted(dataset, spatial, classifier)
        return Work(
            "explanations",
            name,
            self.method,
            self.classifier,
            self.kind_of_work if forwards != 0 else "none",
            len(slots(self)),
            len(batches(self)) * self.chunk_count + 1,
            forwards,
            size,
            self.images_per_job,
            1 / self.chunk_count,
            passes_back=self.is_passed_back,
            unknown=unknown,
        )

    def _counted(
        self, dataset: Any, spatial: Sequence[int] | None, classifier: Any
    ) -> tuple[int | None, int | None, str]:
        if spatial is None:
            what = f"only the files of {classifier.dataset!r} tell the size of its images"
            return None, None, what
        nodes = count_of_nodes(self.nodes, dataset.known_classes)
        if nodes is None:
            return None, None, "only the network tells how many nodes are explained"
        return self.cost(spatial, dataset.channel_count, nodes, classifier.is_linear)

    @property
    def name(self) -> str:
        """What a person chooses it by among other methods."""
        return self.method.replace("-", " ")

    def in_short(self, one: Any) -> str:
        """Its name and main parameters in two short lines; one: a map by it, as figures read it."""
        return f"{self.method.rpartition(':')[2]}\n"

    def in_words(self, maps: Sequence[Any]) -> str:
        """Its name and all parameters in one sentence; maps: those that were made, maybe none."""
        own = self.model_dump(exclude=set(Method.model_fields))
        said = ", ".join(f"{key} = {value}" for key, value in own.items())
        return f"{self.method}, {said}" if said else self.method

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from lookup.missing(f"{where}.classifier", "classifiers", self.classifier)
        classifier = lookup.entry("classifiers", self.classifier)
        dataset = lookup.dataset_of(self.classifier)
        yield from self._problems_of_layers(where, classifier)
        if self.is_of_plane and classifier is not None and not classifier.is_linear:
            what = f"{self.classifier!r} is {classifier.kind!r}, not a logistic regression"
            yield Problem(f"{where}.classifier", what, f"{self.method} is for these only")
        yield from self._problems_of_window(where, lookup.shape_of(dataset))
        if dataset is not None and dataset.known_classes is not None:
            yield from self._problems_of_nodes(where, dataset.known_classes)

    def _problems_of_layers(self, where: str, classifier: Any) -> Iterator[Problem]:
        """Not every method looks into layers, and a plane has none."""
        for index, node in enumerate(self.nodes):
            if isinstance(node, NodeChoice | ClassNodes):
                continue
            place = f"{where}.nodes.{index}.layer"
            if not self.explains_layers:
                what = f"{self.method} explains classes, not layers"
                yield Problem(place, what, "name a class, or use prediction difference analysis")
            elif classifier is not None and classifier.is_linear:
                yield Problem(place, "a logistic regression has no layers", "name a class")

    def _problems_of_window(self, where: str, shape: tuple[int, ...] | None) -> Iterator[Problem]:
        """Windows of pixels, by whatever method, must lie in the images."""
        k = getattr(self, "window", None)
        if k is not None and shape is not None and k > min(shape) and not self.removes_layer:
            yield Problem(
                f"{where}.window",
                f"window={k} does not fit inside images of {by(shape)}",
                f"set window to at most {min(shape)}",
            )

    def _problems_of_nodes(self, where: str, names: tuple[str, ...]) -> Iterator[Problem]:
        for index, node in enumerate(self.nodes):
            count = node.classes if isinstance(node, ClassNodes) else 0
            if isinstance(count, int) and count > len(names):
                what = f"there are {len(names)} classes, not {count}"
                yield Problem(f"{where}.nodes.{index}.classes", what, "set it to all")
            if not isinstance(node, NodeChoice):
                continue
            if node.rank is not None and node.rank > len(names):
                what = f"there is no rank {node.rank}, the dataset has {len(names)} classes"
                remedy = f"set it to at most {len(names)}"
                yield Problem(f"{where}.nodes.{index}.rank", what, remedy)
            is_named = isinstance(node.of, str) and node.of not in ("predicted", "label", *names)
            is_numbered = isinstance(node.of, int) and not 0 <= node.of < len(names)
            if is_named or is_numbered:
                yield Problem(
                    f"{where}.nodes.{index}.of",
                    f"there is no class {node.of!r}",
                    f"classes are {', '.join(names)}; predicted and label are the other choices",
                )

    # --- the work -------------------------------------------------------------------------------

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        """(N, *spatial) relevance of images (N, C, *spatial), for a node each.

        classifier: a torch module that takes images of 0 to 1, or a `LinearClassifier` where
        `takes_plane` says so. given: what does not belong to the settings.

        Raises:
            DataError: the classifier, an image or a node is not what the method can explain.
        """
        raise DataError(f"method {self.method}", "has no method maps", "add one")

    def task(self, bench: "Bench", explained: "Explained") -> "Task":
        """The work for one image; here its map is the only part."""
        from prediction_difference.attribution.heatmaps import task_of_maps

        return task_of_maps(self, bench, explained)


@dataclass(frozen=True)
class Given:
    """What a method is given beside a classifier, images and nodes.

    device: where torch computes. seed: the run's. training: (n, C, *spatial) images that the
    classifier was fitted to, for methods that need them. prior: fitted to these images, for methods
    that draw from one. value_range: lowest and highest value of images, for methods that clip.
    """

    device: str = "cpu"
    seed: int = 0
    training: "np.ndarray | None" = None
    prior: "Fitted | None" = None
    value_range: tuple[float, float] = (0.0, 1.0)


def described(settings: Mapping[str, Any]) -> Method:
    """A method with settings as results note them, which may be those of another version.

    Raises:
        EntryError: there is no such method.
    """
    found = METHODS.find(settings["method"])
    assert issubclass(found, Method)
    return found.model_construct(**settings)


def is_baseline(word: str) -> bool:
    """Whether other methods are compared with the one of this word, as results note it."""
    try:
        found = METHODS.find(word)
    except EntryError:
        return False
    return issubclass(found, Method) and found.is_baseline
