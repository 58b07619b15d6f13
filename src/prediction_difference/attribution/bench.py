"""Everything that the images of one explanation share: its inputs, opened once."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from prediction_difference import layout
from prediction_difference.attribution.engines.dense import DenseEngine
from prediction_difference.attribution.method import Given, Method
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.selection import image_of_slot, resolve_nodes
from prediction_difference.classifiers.card import CARD, Card, read_card
from prediction_difference.classifiers.loading import load_linear, load_module, read_predictions
from prediction_difference.data.dataset import Dataset, open_dataset
from prediction_difference.dependencies import code_of
from prediction_difference.errors import DataError, StoreError
from prediction_difference.files import folder_of
from prediction_difference.manifest import Origin, digest_of, read_manifest
from prediction_difference.priors.store import FittedOn, read_fitted_on
from prediction_difference.run import Config
from prediction_difference.stores import read_attributes, refuse_other_config

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.logistic_regression import LinearClassifier

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Inputs:
    """Files that an explanation is made from; a prior or a reference dataset where one is used."""

    dataset: Path
    classifier: Path
    prior: Path | None = None
    reference: Path | None = None


@dataclass(frozen=True)
class Explained:
    """An image that is explained.

    index: its position in the dataset. image: (C, *spatial). label: its class by number, or -1.
    """

    index: int
    name: str
    image: np.ndarray
    split: str
    label: int


class Bench:
    """An explanation of a configuration with its inputs.

    Raises:
        DataError: an input is not given, or they do not belong together.
        StoreError: an input is missing, or comes from another configuration.
    """

    def __init__(self, config: Config, name: str, inputs: Inputs, device: str):
        self.config = config
        self.name = name
        self.explanation: Method = config.explanations[name]
        self.inputs = inputs
        self.device = device
        check_inputs_given(self.explanation, inputs)
        self.card = read_card(inputs.classifier)
        self.dataset = open_dataset(inputs.dataset)
        self.reference = None if inputs.reference is None else open_dataset(inputs.reference)
        _refuse_strangers(config, self.explanation, inputs, self.card, self.dataset)
        self.predictions = read_predictions(inputs.classifier)
        self._made: dict[tuple[Hashable, ...], Any] = {}

    @cached_property
    def origin(self) -> Origin:
        """What the maps are made from."""
        method, here = self.explanation, Path()
        classifier = folder_of(self.inputs.classifier) / CARD
        made_from = {
            layout.dataset_store(here, self.card.dataset): self.inputs.dataset,
            layout.classifier_place(here, self.card.name): classifier,
        }
        if self.inputs.prior is not None:
            made_from[layout.prior_store(here, str(method.prior_name))] = self.inputs.prior
        if self.inputs.reference is not None:
            place = layout.dataset_store(here, str(method.reference_name))
            made_from[place] = self.inputs.reference
        return Origin(
            {"entry": method.of_map, "seed": self.config.run.seed},
            {place.as_posix(): digest_of(path) for place, path in made_from.items()},
            code_of(self.config, "explanations", self.name),
        )

    @cached_property
    def _fitted_on(self) -> FittedOn | None:
        return None if self.inputs.prior is None else read_fitted_on(self.inputs.prior)

    def explained(self, slot: str) -> Explained:
        """The image that fills a slot, which no prior here has seen."""
        index = image_of_slot(slot, self.explanation, self.dataset, self.predictions, self.card)
        image, split = self.dataset.images[index], self.dataset.split[index]
        label = int(self.predictions["label"].iloc[index])
        if self._fitted_on is not None:
            self._fitted_on.refuse(self.dataset, index)
        return Explained(index, self.dataset.names[index], image, split, label)

    def given(self, one: Explained) -> Given:
        """What a method is given for an image, beside the classifier."""
        needs_training = self.explanation.needs_training
        training = (
            self.dataset.images[~self.dataset.in_split(one.split)] if needs_training else None
        )
        return Given(self.device, self.config.run.seed, training)

    def nodes(
        self, scores: np.ndarray, label: int, layers: Mapping[str, tuple[int, ...]]
    ) -> tuple[list[Node], list[str]]:
        """What is explained of an image with these scores (K,), and names that hold for all images.

        layers: shapes of layers all of whose maps are explained.
        """
        output = self.explanation.default_output
        return resolve_nodes(self.explanation, output, scores, label, self.card, layers)

    def classifier_for(self, one: Explained) -> tuple["LinearClassifier | nn.Module", np.ndarray]:
        """What a method is given to explain an image, and the image's class scores (K,)."""
        if self.card.is_linear and self.explanation.takes_plane:
            linear = self.plane(one.split, self.confounded(one))
            return linear, linear.scores(one.image[None])[0]
        module = self.module(one.split, self.confounded(one))
        return module, DenseEngine(module, self.device).prepare(one.image).scores

    def confounded(self, one: Explained) -> int | None:
        """Position of an image whose confounds the classifier takes; None where it takes none."""
        return one.index if self.card.settings.get("confounds") else None

    def once(self, make: Callable[[], _Made], *key: Hashable) -> _Made:
        """What is made for the first image that asks for it by a key, and kept for the others."""
        if key not in self._made:
            self._made[key] = make()
        return cast("_Made", self._made[key])

    def module(self, split: str, image: int | None = None) -> "nn.Module":
        """The classifier for images of a split as a torch module; image: see `confounded`."""
        return self.once(
            lambda: load_module(self.inputs.classifier, self.card, split, image),
            "module",
            split,
            image,
        )

    def plane(self, split: str, image: int | None = None) -> "LinearClassifier":
        """The classifier for images of a split, if it is linear; image: see `confounded`."""
        return load_linear(self.inputs.classifier, self.card, split, image)


def _refuse_strangers(
    config: Config, explanation: Method, inputs: Inputs, card: Card, dataset: Dataset
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
            read_manifest(inputs.dataset).origin.entry,
            config.datasets[card.dataset],
        ),
        (inputs.classifier, card.settings, config.classifiers[explanation.classifier]),
    ]
    if inputs.prior is not None:
        settings = read_attributes(inputs.prior)["settings"]
        made_from.append((inputs.prior, settings, config.priors[str(explanation.prior_name)]))
    if inputs.reference is not None:
        settings = read_manifest(inputs.reference).origin.entry
        made_from.append(
            (inputs.reference, settings, config.datasets[str(explanation.reference_name)])
        )
    seed = {"seed": config.run.seed}
    refuse_other_config(inputs.classifier, {"seed": card.seed}, seed)
    for path, made_with, wanted in made_from:
        refuse_other_config(path, made_with, wanted.content)


def check_inputs_given(explanation: Method, inputs: Inputs) -> None:
    """Refuse to go on without the stores that an explanation names.

    Raises:
        DataError: --prior or --reference is missing.
    """
    named = (
        ("prior", explanation.prior_name, inputs.prior),
        ("reference", explanation.reference_name, inputs.reference),
    )
    for key, name, given in named:
        if name is not None and given is None:
            raise DataError(f"--{key}", "is missing", f"give the store of {name!r}")
