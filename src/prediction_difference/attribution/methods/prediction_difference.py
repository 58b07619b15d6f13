"""Prediction difference analysis [zintgraf2017, Algorithm 1]."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, model_validator

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import ClassNodes, NodeChoice
from prediction_difference.choices import Channels, Count, Draws, EngineName, Positive, Precision
from prediction_difference.costs import BYTES_OF_FLOAT, Work, WorkKind
from prediction_difference.errors import DataError, Problem
from prediction_difference.families import SAMPLERS
from prediction_difference.lookup import Lookup, Shapes, by
from prediction_difference.priors.sampling import Sampling
from prediction_difference.registry import OneOf
from prediction_difference.run import Config
from prediction_difference.settings import Name, Section
from prediction_difference.typesetting import NO_BREAK, count, number

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.bench import Bench, Explained
    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node
    from prediction_difference.attribution.task import Task


class RemovedLayer(Section):
    """A hidden layer whose units are removed, in place of pixels [zintgraf2017, eq. 5]."""

    layer: str = Field(min_length=1, description="name of a module of the network")
    features: Literal["windows", "units"] = Field(
        "windows",
        description="windows: all maps together in a window of the layer's places; units: every "
        "unit alone, with window: 1",
    )
    patch: int | None = Field(
        None,
        ge=1,
        description="side, in the layer's places, of what the conditional sampler knows around a "
        "window or unit; null: window + 2, for units 1",
    )
    maps: Channels = Field(
        "joint", description="for the conditional sampler; independent: no correlation of maps"
    )
    images: int = Field(
        1000, ge=2, description="reference images whose activations are drawn from, at most"
    )

    def neighbourhood(self, window: int) -> int:
        """Side of what the conditional sampler knows, in places."""
        if self.patch is not None:
            return self.patch
        return 1 if self.features == "units" else window + 2


class PredictionDifference(Method):
    """Prediction difference analysis [zintgraf2017, Algorithm 1]."""

    kind_of_work: ClassVar[WorkKind] = "windows"
    subject: ClassVar[str] = "Prediction difference"
    default_output: ClassVar[Literal["probability", "score"]] = "probability"
    explains_layers: ClassVar[bool] = True
    explains_anew: ClassVar[bool] = False
    takes_plane: ClassVar[bool] = True

    method: Literal["prediction-difference"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    sampler: Annotated[Any, OneOf(SAMPLERS)] = Field(
        default_factory=lambda: SAMPLERS.read({}),
        description="what draws contents of windows: a word, or a mapping with settings of its own",
    )
    prior: Name | None = Field(None, description="for a sampler that draws from one")
    reference: Name | None = Field(
        None, description="dataset of a sampler that draws from images; null: the classifier's"
    )
    window: Count = Field(10, description="side k of a window, in pixels or voxels")
    stride: Count = Field(1, description="step between windows, in pixels or voxels")
    samples: Draws = Field(10, description="draws per window, S")
    clip: bool = Field(False, description="clip draws to the range of the dataset's images")
    standard_error: Positive | None = Field(
        None,
        description="draw for a window, `samples` at a time, until its standard error is at most "
        "this, in the relevance's unit; null: draw `samples` times",
    )
    max_samples: Draws = Field(1000, description="draws per window, with standard_error")
    removed: RemovedLayer | None = Field(
        None, description="a hidden layer, on whose output windows are taken; null: the image"
    )
    engine: EngineName = Field(
        "auto",
        description="dense: whole forward passes; incremental: only what a window changes; linear: "
        "none, for logistic regression; auto: the fastest that fits, all with the same values",
    )
    batch_size: Count | None = Field(
        None, description="images per forward pass; null: sized to memory"
    )
    precision: Precision = Field(
        "float32",
        description="of forward passes; bfloat16 where it costs less than half the sampling error",
    )
    chunks: int = Field(1, ge=1, description="jobs that share one image; each takes whole rows")

    @property
    def chunk_count(self) -> int:
        return self.chunks

    @property
    def modules_named(self) -> tuple[str, ...]:
        return (type(self.sampling).__module__,)

    @property
    def sampling(self) -> Sampling:
        """The sampler's settings, also where results note them as text."""
        return cast("Sampling", SAMPLERS.read(self.sampler))

    @property
    def prior_name(self) -> str | None:
        return self.prior

    @property
    def reference_name(self) -> str | None:
        return self.reference

    @property
    def removes_layer(self) -> bool:
        return self.removed is not None

    def windows_of(self, prior: str) -> set[int]:
        return {self.window} if prior == self.prior else set()

    @model_validator(mode="after")
    def _keys_fit(self) -> "PredictionDifference":
        sampling = self.sampling
        its_name = f"the {sampling.sampler} sampler"
        if self.removed is None and sampling.needs_prior and self.prior is None:
            raise ValueError(f"{its_name} needs a prior; name one of the priors")
        if not sampling.needs_prior and self.prior is not None:
            raise ValueError(f"{its_name} takes no prior; remove the key prior")
        is_drawn_from_images = sampling.takes_reference or self.removed is not None
        if not is_drawn_from_images and self.reference is not None:
            raise ValueError(f"{its_name} takes no reference; remove the key")
        if self.removed is not None and not sampling.draws_layers:
            raise ValueError(
                f"{its_name} draws windows of images, not of layers; remove the key removed"
            )
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} leaves pixels between windows of side {self.window}; "
                f"set stride to at most {self.window}"
            )
        return self

    @model_validator(mode="after")
    def _samples_suffice(self) -> "PredictionDifference":
        if self.standard_error is None:
            return self
        if self.max_samples < self.samples:
            raise ValueError(
                f"max_samples={self.max_samples} is less than samples={self.samples}; raise it"
            )
        classes = NodeChoice | ClassNodes
        bits = {isinstance(node, classes) and node.output != "score" for node in self.nodes}
        if len(bits) > 1:
            raise ValueError(
                "standard_error is for nodes of one unit, some are in bits and some activations; "
                "explain them apart"
            )
        return self

    @model_validator(mode="after")
    def _removed_layer_fits(self) -> "PredictionDifference":
        removed = self.removed
        if removed is None:
            return self
        if self.prior is not None:
            raise ValueError(
                "a removed layer takes no prior, its activations are fitted; remove the key prior"
            )
        if self.clip or self.precision != "float32" or self.engine not in ("auto", "dense"):
            raise ValueError(
                "clip, precision and engine are for windows of images, not for removed layers; "
                "leave them at their defaults"
            )
        if removed.features == "units" and self.window != 1:
            raise ValueError("units are removed one by one; set window to 1")
        is_window = removed.features == "windows" and self.sampling.is_conditional
        if is_window and removed.neighbourhood(self.window) <= self.window:
            raise ValueError(
                f"window={self.window} does not fit inside removed.patch={removed.patch}; "
                f"set patch to at least {self.window + 1}"
            )
        return self

    # --- what others ask ------------------------------------------------------------------------

    @property
    def is_signed(self) -> bool:
        return True

    def unit_of(self, node: "Node") -> str:
        return node.relevance_unit

    def cost(
        self, spatial: Sequence[int], channels: int, nodes: int, is_linear: bool
    ) -> tuple[int | None, int | None, str]:
        from prediction_difference.priors.windows import WindowGrid

        try:
            windows = math.prod(WindowGrid(tuple(spatial), self.window, self.stride).shape)
        except DataError as error:
            return None, None, error.problem.what
        pixels = math.prod(spatial)
        size = BYTES_OF_FLOAT * (2 * channels * pixels + 2 * nodes * pixels + 4 * nodes * windows)
        is_exact = is_linear and self.engine != "dense"
        return 0 if is_exact else windows * self.samples, size, ""

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        found = super().work(name, config, shapes)
        return dataclasses.replace(
            found,
            kind="windows",
            precision=self.precision,
            is_lower_bound=self.standard_error is not None,
        )

    def _counted(
        self, dataset: Any, spatial: Sequence[int] | None, classifier: Any
    ) -> tuple[int | None, int | None, str]:
        if spatial is not None and self.removes_layer:
            return None, None, "only the network tells the size of the removed layer"
        return super()._counted(dataset, spatial, classifier)

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from super().problems(where, lookup)
        yield from lookup.missing(f"{where}.prior", "priors", self.prior)
        yield from lookup.missing(f"{where}.reference", "datasets", self.reference)
        prior = lookup.entry("priors", self.prior)
        if prior is not None and self.window >= prior.patch:
            yield Problem(
                f"{where}.window",
                f"window={self.window} does not fit inside patch={prior.patch} of prior "
                f"{self.prior!r}",
                f"set window to at most {prior.patch - 1}, or patch to at least {self.window + 1}",
            )
        dataset = lookup.dataset_of(self.classifier)
        if dataset is not None:
            yield from self._problems_of_draws(where, dataset, lookup)
        classifier = lookup.entry("classifiers", self.classifier)
        if classifier is not None:
            yield from self._problems_of_classifier(where, classifier)

    def _problems_of_classifier(self, where: str, classifier: Any) -> Iterator[Problem]:
        if not classifier.is_linear:
            if self.engine == "linear":
                what = f"linear is for planes, {self.classifier!r} is {classifier.kind!r}"
                yield Problem(f"{where}.engine", what, "set engine to auto")
            return
        if self.removed is not None:
            what = "a logistic regression has no layers"
            yield Problem(f"{where}.removed", what, "remove the key")
        if self.precision != "float32" and self.engine in ("auto", "linear"):
            what = "a logistic regression is explained without a network to run"
            yield Problem(f"{where}.precision", what, "remove the key")

    def _problems_of_draws(self, where: str, dataset: Any, lookup: Lookup) -> Iterator[Problem]:
        """What is drawn has the form of the explained images, and is not these."""
        prior = lookup.entry("priors", self.prior)
        has_prior = self.sampling.needs_prior and self.removed is None
        if not (has_prior or self.sampling.takes_reference or self.removed is not None):
            return
        key = "prior" if has_prior else "reference"
        name = self.reference if prior is None else prior.dataset
        source = dataset if name is None and key == "reference" else lookup.entry("datasets", name)
        if source is None:
            return
        where = f"{where}.{key}"
        if source is dataset and not dataset.has_training_images:
            yield Problem(
                where,
                "all images of its dataset are held out, none are left to draw from",
                "set test_fraction or folds of the dataset, or use another dataset",
            )
        if source.is_volume != dataset.is_volume or source.channel_count != dataset.channel_count:
            yield Problem(
                where,
                f"it has {_form(source)}, the explained images are {_form(dataset)}",
                "choose a dataset of the same form",
            )
            return
        shape, other = lookup.shape_of(dataset), lookup.shape_of(source)
        is_other = source is not dataset
        if prior is not None and is_other and shape is not None and prior.patch > min(shape):
            yield Problem(
                where,
                f"patch={prior.patch} does not fit inside images of {by(shape)}",
                f"use a prior with a patch of at most {min(shape)}",
            )
        has_places = prior is None or prior.depends_on_place(dataset.is_volume)
        if has_places and shape and other and shape != other:
            yield Problem(
                where,
                f"its images are {by(other)}, the explained ones {by(shape)}",
                "choose a dataset of the same size"
                + ("" if prior is None else ", or set location of the prior to none"),
            )

    # --- the work -------------------------------------------------------------------------------

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.difference_tasks import maps

        return maps(self, classifier, images, nodes, given)

    def task(self, bench: "Bench", explained: "Explained") -> "Task":
        from prediction_difference.attribution.difference_tasks import task

        return task(self, bench, explained)

    # --- words ----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return f"{super().name}, {self.sampling.in_short}"

    def in_short(self, one: Any) -> str:
        sign = "=" if self.standard_error is None else "\N{GREATER-THAN OR EQUAL TO}"
        draws = "exact" if one.largest_error is None else f"S {sign} {self.samples}"
        parts = [self.sampling.in_short, f"k = {self.window}", draws]
        parts = [part.replace(" ", NO_BREAK) for part in parts]
        layer = one.removed_layer
        what = "prediction difference" if layer is None else f"removed from {layer}"
        return f"{what}\n{', '.join(parts)}"

    def in_words(self, maps: Sequence[Any]) -> str:
        if not maps:
            source = "" if self.prior is None else f"prior {self.prior}"
            return (
                f"prediction difference analysis, {self.sampling.in_words(source)}, windows of "
                f"side k = {self.window}, stride {self.stride}"
            )
        place = maps[0].removed_layer
        return (
            f"prediction difference analysis, {self._source_in_words(maps)}, "
            f"windows of side k = {self.window}"
            + ("" if place is None else f" {_removed(maps[0])}")
            + f", stride {self.stride}, {self._draws_in_words(maps)}"
            + (", draws clipped to the range of the images" if self.clip else "")
            + _precision(maps)
        )

    def _source_in_words(self, maps: Sequence[Any]) -> str:
        sampling = self.sampling
        images = f"images of {self.reference or maps[0].attributes['dataset']}"
        if self.removed is not None:
            return sampling.in_words(f"activations for {images}", of_layer=True)
        if not sampling.needs_prior:
            return sampling.in_words(images if sampling.takes_reference else "")
        patch = maps[0].attributes.get("patch")
        side = "" if patch is None else f" over patches of side l = {patch}"
        return sampling.in_words(f"prior {self.prior}{side}")

    def _draws_in_words(self, maps: Sequence[Any]) -> str:
        if all(one.largest_error is None for one in maps):
            return "expectations in closed form"
        draws = f"S = {self.samples} draws a window"
        if self.standard_error is None:
            return draws
        return (
            f"{draws}, and more until its standard error is at most {self.standard_error:g}, "
            f"{self.max_samples:,} at most"
        )


def _removed(one: Any) -> str:
    is_single = one.attributes["removed"]["features"] == "units"
    return f"on {'single units' if is_single else 'all maps'} of the output of {one.removed_layer}"


def _precision(maps: Sequence[Any]) -> str:
    """Low precision and what it costs, where it was used."""
    low = [one for one in maps if one.attributes.get("precision", "float32") != "float32"]
    if not low:
        return ""
    error = max(max(one.attributes["precision_error"]["rounding"]) for one in low)
    return (
        f", {low[0].attributes['precision']} for {count(len(low), 'map')} with a root mean square "
        f"error of at most {number(error)} {low[0].unit} a window"
    )


def _form(dataset: Any) -> str:
    kind = "volumes" if dataset.is_volume else "2-D images"
    return f"{kind} with {dataset.channel_count} channel(s)"
