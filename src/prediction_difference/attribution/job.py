"""One job of an explanation: its share of the rows, for a batch of images."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import provenance
from prediction_difference.attribution.engines.dense import DenseEngine
from prediction_difference.attribution.engines.layers import layer_shapes
from prediction_difference.attribution.heatmaps import (
    METHODS,
    OF_PLANES,
    OF_TRAINING,
    forwards,
    heatmaps,
)
from prediction_difference.attribution.image_choice import batches
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.prediction_difference import (
    PredictionDifference as PredictionDifferenceSettings,
)
from prediction_difference.attribution.methods.random import RandomOrder
from prediction_difference.attribution.methods.taylor import Taylor
from prediction_difference.attribution.nodes import Node, node_values
from prediction_difference.attribution.prediction_difference import PredictionDifference, Target
from prediction_difference.attribution.sampling import image_sampler, layer_sampler
from prediction_difference.attribution.selection import (
    counted_layers,
    describe_node,
    image_of_slot,
    resolve_nodes,
)
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.classifiers.card import Card, read_card
from prediction_difference.classifiers.loading import (
    classifier_digest,
    load_linear,
    load_module,
    read_predictions,
)
from prediction_difference.classifiers.unseen import WEIGHTS_FROM
from prediction_difference.data.dataset import Dataset, open_dataset
from prediction_difference.data.geometry import geometry
from prediction_difference.errors import DataError, StoreError
from prediction_difference.priors.samplers import Sampler
from prediction_difference.priors.store import FittedOn, read_fitted_on, reference_images
from prediction_difference.progress import say, track
from prediction_difference.run import Config
from prediction_difference.stores import (
    read_attributes,
    refuse_other_config,
    settings_digest,
    write_json,
)

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.logistic_regression import LinearClassifier

_SCHEDULING = {"images", "chunks", "images_per_job", "batch_size"}
"""Settings that say who computes what when; a map does not depend on them, but for the last bits
of its numbers on the batch size."""


@dataclass(frozen=True)
class Inputs:
    """Files that an explanation is made from; a prior or a reference dataset where one is used."""

    dataset: Path
    classifier: Path
    prior: Path | None = None
    reference: Path | None = None


@dataclass(frozen=True)
class Task:
    """What is to be computed for one image.

    image: (C, *spatial). shapes: (nodes, parts, ...) of the arrays. compute: part -> values of
    the arrays for it, and how many forward passes that took. prepared: seconds that this image took
    before its first part, which count as the first one's.
    """

    image: np.ndarray
    attributes: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    compute: Callable[[int], tuple[dict[str, np.ndarray], int]]
    prepared: float = 0.0

    @property
    def parts(self) -> int:
        return next(iter(self.shapes.values()))[1]


def run_chunk(
    config: Config,
    name: str,
    inputs: Inputs,
    batch: int,
    chunk: int,
    work: Path,
    done: Path,
    device: str,
) -> None:
    """Compute the rows of one chunk for every image of a batch, and note where they lie.

    Rows that an earlier, interrupted run finished are kept. `done` is written last.

    Raises:
        DataError: the inputs do not fit the explanation or each other.
    """
    explanation = config.explanations[name]
    check_inputs_given(explanation, inputs)
    _check_share(name, explanation, batch, chunk)
    workbench = _Workbench(config, name, inputs, device)
    places = {}
    for slot in batches(explanation)[batch]:
        task = workbench.task(slot)
        path = work / f"{slot}-{task.attributes['fingerprint']}.zarr"
        store = WorkingStore.open_or_create(path, task.image, task.shapes, task.attributes)
        fill(store, task, chunk, explanation.chunk_count, f"{name}, {slot}")
        places[slot] = path.name
    write_json(done, {"explanation": name, "batch": batch, "chunk": chunk, "stores": places})


def _check_share(name: str, explanation: Method, batch: int, chunk: int) -> None:
    shares = (
        ("batch", batch, len(batches(explanation))),
        ("chunk", chunk, explanation.chunk_count),
    )
    for what, number, count in shares:
        if not 0 <= number < count:
            raise DataError(
                f"--{what} {number}",
                f"explanation {name!r} has {count}, counted from 0",
                f"choose 0 to {count - 1}",
            )


def fill(store: WorkingStore, task: Task, chunk: int, chunks: int, description: str) -> None:
    """Compute and store a share of a task's parts, but for those that are finished."""
    mine = np.array_split(np.arange(task.parts), chunks)[chunk]
    finished = store.finished()
    missing = [int(part) for part in mine if not finished[part]]
    if len(missing) < len(mine):
        say(f"{description}: {len(mine) - len(missing)} of {len(mine)} rows were finished before")
    seconds = task.prepared
    for part in track(missing, description):
        started = time.perf_counter()
        values, forwards = task.compute(part)
        store.write(part, values, seconds + time.perf_counter() - started, forwards)
        seconds = 0.0


class _Workbench:
    """Everything that the images of one explanation share, loaded once."""

    def __init__(self, config: Config, name: str, inputs: Inputs, device: str):
        self.config = config
        self.name = name
        self.explanation = config.explanations[name]
        self.inputs = inputs
        self.device = device
        self.card = read_card(inputs.classifier)
        self.dataset = open_dataset(inputs.dataset)
        self.reference = None if inputs.reference is None else open_dataset(inputs.reference)
        _refuse_strangers(config, self.explanation, inputs, self.card, self.dataset)
        self.predictions = read_predictions(inputs.classifier)

    @property
    def _prior(self) -> str | None:
        return getattr(self.explanation, "prior", None)

    @cached_property
    def _fitted_on(self) -> FittedOn | None:
        return None if self.inputs.prior is None else read_fitted_on(self.inputs.prior)

    def task(self, slot: str) -> Task:
        """The work for the image that fills a slot."""
        index = image_of_slot(slot, self.explanation, self.dataset, self.predictions, self.card)
        image, split = self.dataset.images[index], self.dataset.split[index]
        label = int(self.predictions["label"].iloc[index])
        if self._fitted_on is not None:
            self._fitted_on.refuse(self.dataset, index)
        attributes = self._attributes(index, label)
        if isinstance(self.explanation, PredictionDifferenceSettings):
            return self._prediction_difference(self.explanation, image, split, label, attributes)
        return self._heatmap(image, split, label, attributes)

    def _prediction_difference(
        self,
        explanation: PredictionDifferenceSettings,
        image: np.ndarray,
        split: str,
        label: int,
        attributes: dict[str, Any],
    ) -> Task:
        analysis = self._analysis(explanation, split, self._confounded(attributes))
        prepared = analysis.prepare(image)
        shapes_of_layers = self._shapes_of_layers(image, split)
        nodes, names = self._nodes(prepared.scores, label, "probability", shapes_of_layers)
        started = time.perf_counter()
        target = analysis.target(image, nodes, prepared)
        seconds = time.perf_counter() - started
        grid = analysis.grid(target.features)
        row_shape = grid.shape[1:] if len(grid.shape) > 1 else grid.shape
        counts = {"window_score": len(nodes), "window_standard_error": len(nodes)}
        if explanation.standard_error is not None:
            counts["window_samples"] = 1

        def compute(row: int) -> tuple[dict[str, np.ndarray], int]:
            done = analysis.row(target, row)
            arrays = {
                "window_score": done.score,
                "window_standard_error": done.standard_error,
                "window_samples": done.samples,
            }
            shaped = {name: arrays[name].reshape(n, *row_shape) for name, n in counts.items()}
            return shaped, done.forwards

        rows = analysis.rows(grid)
        shapes = {name: (count, rows, *row_shape) for name, count in counts.items()}
        attributes |= self._describe(nodes, names, target.values, target.scores)
        attributes |= _describe_engine(explanation, target)
        return Task(image, attributes, shapes, compute, seconds)

    @cache  # noqa: B019  (a workbench lives as long as its job)
    def _analysis(
        self, explanation: PredictionDifferenceSettings, split: str, image: int | None
    ) -> PredictionDifference:
        """The analysis for images of a split; its sampler never saw them, nor what is fitted here.

        image: the one that it is for, if the classifier depends on its confounds.
        """
        is_linear = self.card.kind == "logistic-regression"
        removed = explanation.removed
        return PredictionDifference(
            load_linear(self.inputs.classifier, self.card, split, image)
            if is_linear
            else self._module(split),
            self._sampler(explanation, split),
            explanation.window,
            explanation.stride,
            explanation.samples,
            explanation.engine,
            self.card.training_instances[self.card.weights_for(split)],
            self.config.run.seed,
            standard_error=explanation.standard_error,
            max_samples=explanation.max_samples,
            device=self.device,
            batch_size=explanation.batch_size,
            precision=explanation.precision,
            layer=None if removed is None else removed.layer,
            units=removed is not None and removed.features == "units",
        )

    def _confounded(self, attributes: Mapping[str, Any]) -> int | None:
        """Position of an image whose confounds the classifier takes; None where it takes none."""
        index: int = attributes["image_index"]
        return index if self.card.settings.get("confounds") else None

    @cache  # noqa: B019  (a workbench lives as long as its job)
    def _sampler(self, explanation: PredictionDifferenceSettings, split: str) -> Sampler:
        if explanation.removed is None:
            return image_sampler(
                explanation,
                self.dataset,
                self.card.dataset,
                split,
                self.inputs.prior,
                self.reference,
            )
        images = reference_images(self.reference or self.dataset, self.dataset, split)
        return layer_sampler(
            explanation,
            explanation.removed,
            self._module(split),
            images,
            self.config.run.seed,
            self.device,
        )

    def _shapes_of_layers(self, image: np.ndarray, split: str) -> dict[str, tuple[int, ...]]:
        """Shapes of the layers all of whose maps are explained."""
        layers = counted_layers(self.explanation)
        return layer_shapes(self._module(split), layers, image, self.device) if layers else {}

    def _heatmap(
        self, image: np.ndarray, split: str, label: int, attributes: dict[str, Any]
    ) -> Task:
        explanation = self.explanation
        classifier, scores = self._explained(image, split, self._confounded(attributes))
        nodes, names = self._nodes(scores, label, "score", {})
        options = method_options(explanation, self.config.run.seed)
        if explanation.method in OF_TRAINING:
            options["training"] = self.dataset.images[~self.dataset.in_split(split)]
        each = forwards(explanation.method, image.shape[1:], **options)

        def compute(_part: int) -> tuple[dict[str, np.ndarray], int]:
            images = np.repeat(image[None], len(nodes), axis=0)
            maps = heatmaps(
                explanation.method, classifier, images, nodes, device=self.device, **options
            )
            return {"relevance": maps}, each * len(nodes)

        attributes |= self._describe(nodes, names, node_values(nodes, scores), scores)
        shapes = {"relevance": (len(nodes), 1, *image.shape[1:])}
        return Task(image, attributes, shapes, compute)

    def _explained(
        self, image: np.ndarray, split: str, index: int | None
    ) -> tuple["LinearClassifier | nn.Module", np.ndarray]:
        """What a heatmap method is given, and the image's class scores (K,).

        index: of the image, if the classifier depends on its confounds.
        """
        is_linear = self.card.kind == "logistic-regression"
        if is_linear and self.explanation.method in OF_PLANES:
            linear = load_linear(self.inputs.classifier, self.card, split, index)
            return linear, linear.scores(image[None])[0]
        module = self._module(split, index)
        return module, DenseEngine(module, self.device).prepare(image).scores

    @cache  # noqa: B019  (a workbench lives as long as its job)
    def _module(self, split: str, image: int | None = None) -> "nn.Module":
        return load_module(self.inputs.classifier, self.card, split, image)

    def _nodes(
        self,
        scores: np.ndarray,
        label: int,
        output: str,
        layers: dict[str, tuple[int, ...]],
    ) -> tuple[list[Node], list[str]]:
        return resolve_nodes(self.explanation, output, scores, label, self.card, layers)

    def _describe(
        self, nodes: list[Node], names: list[str], values: np.ndarray, scores: np.ndarray
    ) -> dict[str, Any]:
        method = self.explanation.method
        is_difference = method == "prediction-difference"
        unit = None if is_difference else unit_of(self.explanation)
        top = int(scores.argmax())
        return {
            "nodes": [
                describe_node(node, float(value), scores, self.card)
                for node, value in zip(nodes, values, strict=True)
            ],
            "node_names": names,
            "units": [n.relevance_unit if is_difference else unit for n in nodes],
            "signed": is_difference or is_signed(self.explanation),
            "predicted": self.card.class_names[top],
            "predicted_probability": float(node_values([Node.probability(top)], scores)[0]),
        }

    def _attributes(self, index: int, label: int) -> dict[str, Any]:
        settings = self.explanation.model_dump(mode="json")
        provenance_of_inputs = {
            "dataset_digest": self.dataset.digest,
            "classifier_digest": classifier_digest(self.card),
            "prior_digest": _digest_of(self.inputs.prior),
            "reference_digest": None if self.reference is None else self.reference.digest,
            "code_digest": provenance.source_digest(*stages_behind(self.explanation)),
            "config_digest": settings_digest(what_matters(settings)),
            "seed": self.config.run.seed,
        }
        name = self.dataset.names[index]
        return {
            "explanation": self.name,
            "method": self.explanation.method,
            "settings": settings,
            "dataset": self.card.dataset,
            "classifier": self.card.name,
            WEIGHTS_FROM: self.card.weights_from,
            "prior": self._prior,
            "patch": None if self._prior is None else self.config.priors[self._prior].patch,
            "location": _location_of(self.inputs.prior),
            "image_name": name,
            "image_index": index,
            "label": None if label < 0 else self.card.class_names[label],
            "split": self.dataset.split[index],
            "value_range": list(self.dataset.value_range),
            "box": _box_of(self.dataset, index),
            "affine": None if self.dataset.affine is None else self.dataset.affine.tolist(),
            "geometry": geometry(self.dataset),
            "device": self.device.split(":")[0],
            "versions": provenance.versions(),
            "fingerprint": settings_digest({"image": name, **provenance_of_inputs}),
            **provenance_of_inputs,
        }


def _describe_engine(explanation: PredictionDifferenceSettings, target: Target) -> dict[str, Any]:
    """What was removed, on which grid, and in which precision classifiers were run."""
    removed, error = explanation.removed, target.error
    facts: dict[str, Any] = {
        "removed": None,
        "precision": target.precision,
        "precision_error": None,
    }
    if removed is not None:
        # A vector has no windows but its single units.
        is_single = removed.features == "units" or target.features.ndim == 2
        facts["removed"] = {
            "layer": removed.layer,
            "features": "units" if is_single else "windows",
            "shape": list(target.features.shape),
        }
    if error is not None:
        facts["precision_error"] = {
            "rounding": error.rounding.tolist(),
            "sampling": error.sampling.tolist(),
        }
    return facts


def stages_behind(explanation: Method) -> tuple[str, ...]:
    """Stages whose code computes a map; rows that older code computed are not gone on with."""
    draws = isinstance(explanation, PredictionDifferenceSettings)
    return ("data", *(("priors",) if draws else ()), "classifiers", "attribution")


def what_matters(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of an explanation that its maps depend on."""
    return {key: value for key, value in settings.items() if key not in _SCHEDULING}


def method_options(explanation: Method, seed: int) -> dict[str, Any]:
    """What the function of an explanation's heatmap method takes beside images and nodes."""
    options = explanation.model_dump(exclude=set(Method.model_fields) | {"method"})
    is_random = isinstance(explanation, RandomOrder | Taylor)
    return options | ({"seed": seed} if is_random else {})


def is_signed(explanation: Method) -> bool:
    """Whether the sign of a heatmap method's relevance means anything."""
    is_sum = getattr(explanation, "norm", "") == "sum"
    return is_sum or METHODS[explanation.method].is_signed


def _box_of(dataset: Dataset, index: int) -> list[int] | None:
    """Sides of what the label is about: top, left, bottom, right; None where there is none."""
    if dataset.boxes is None or dataset.boxes[index].min() < 0:
        return None
    return [int(side) for side in dataset.boxes[index]]


def unit_of(explanation: Method) -> str:
    """The unit of a heatmap method's relevance."""
    unit = METHODS[explanation.method].unit
    return f"({unit})²" if getattr(explanation, "norm", "") == "squared" else unit


def _digest_of(store: Path | None) -> str | None:
    return None if store is None else str(read_attributes(store)["digest"])


def _location_of(store: Path | None) -> str | None:
    """What the prior took off for the place of a patch."""
    return None if store is None else str(read_attributes(store)["location"])


def _refuse_strangers(
    config: Config, explanation: Any, inputs: Inputs, card: Card, dataset: Dataset
) -> None:
    """Refuse inputs that come from another configuration or do not belong together."""
    if card.dataset_digest != dataset.digest:
        raise StoreError(
            inputs.classifier,
            f"was made from other data than {inputs.dataset}",
            "make the classifier again",
        )
    made_from: list[tuple[Path, Any, Any]] = [
        (
            inputs.dataset,
            read_attributes(inputs.dataset)["settings"],
            config.datasets[card.dataset],
        ),
        (inputs.classifier, card.settings, config.classifiers[explanation.classifier]),
    ]
    if inputs.prior is not None:
        settings = read_attributes(inputs.prior)["settings"]
        made_from.append((inputs.prior, settings, config.priors[explanation.prior]))
    if inputs.reference is not None:
        settings = read_attributes(inputs.reference)["settings"]
        made_from.append((inputs.reference, settings, config.datasets[explanation.reference]))
    seed = {"seed": config.run.seed}
    refuse_other_config(inputs.classifier, {"seed": card.seed}, seed)
    for path, made_with, wanted in made_from:
        refuse_other_config(path, made_with, wanted.content)


def check_inputs_given(explanation: Any, inputs: Inputs) -> None:
    """Refuse to go on without the stores that an explanation names.

    Raises:
        DataError: --prior or --reference is missing.
    """
    for key, given in (("prior", inputs.prior), ("reference", inputs.reference)):
        name = getattr(explanation, key, None)
        if name is not None and given is None:
            raise DataError(f"--{key}", "is missing", f"give the store of {name!r}")
