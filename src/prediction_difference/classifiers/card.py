"""The card of a classifier: what it is, what made it, how good it is."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prediction_difference.classifiers.kind import Classifier, WeightsFrom
from prediction_difference.errors import StoreError
from prediction_difference.families import CLASSIFIERS
from prediction_difference.files import folder_of
from prediction_difference.listings import appears
from prediction_difference.manifest import read_file

ANY_SPLIT = "any"
WEIGHTS = "weights.safetensors"
HISTORY = "history.csv"
PREDICTIONS = "predictions.parquet"
CARD = "card.json"
_AGAIN = "make the classifier again"
SHIFTS = "shifts"
"""Of a logistic regression with confounds: natural log odds that these add, of each image."""
CHECKPOINTS = "checkpoints"
"""Folder of the weights that were kept after an epoch."""


@dataclass(frozen=True)
class Card:
    """Facts about a classifier; card.json beside its weights.

    input_shape: (C, *spatial) of the images it takes. training_instances: per split, how many
    images it was fitted on to explain that split, N of the Laplace correction; the key "any"
    stands for weights that serve every split. normalisation: per part of the weights, what its
    first layer applies (see `config.model.Normalisation`); empty if nothing. accuracy: over
    held-out images with a label, or None. checkpoints: epochs after which weights were kept.
    trained: of a checkpoint, the settings of the classifier that it was kept of. measures: of the
    held-out images, more than the accuracy; see
    `measures.held_out_measures`. For logistic regression also, where they were asked for: C, the
    strength of each split; over_seeds, `measures.over_seeds` of the folds; permutation_test and
    also_predicted, see `cross_validation`.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    dataset: str
    dataset_digest: str
    class_names: tuple[str, ...]
    input_shape: tuple[int, ...]
    training_instances: dict[str, int]
    normalisation: dict[str, dict[str, Any]]
    accuracy: float | None
    held_out_images: int
    seed: int
    provenance: dict[str, Any]
    checkpoints: tuple[int, ...] = ()
    trained: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """What all checkpoints of a training have in common: the trained classifier's name."""
        return self._moment[0] if self._moment else self.name

    @property
    def epoch(self) -> int | None:
        """After which the weights are those of a training; None for classifiers without epochs."""
        return self._moment[1] if self._moment else None

    @property
    def _moment(self) -> tuple[str, int] | None:
        return self._kind.model_construct(**self.settings).moment(self.name)

    @property
    def _kind(self) -> type[Classifier]:
        found = CLASSIFIERS.find(self.kind)
        assert issubclass(found, Classifier)
        return found

    @property
    def training_settings(self) -> dict[str, Any]:
        """Settings of the training, also of a checkpoint's."""
        return self.trained or self.settings

    @property
    def is_linear(self) -> bool:
        """Whether the classifier is a plane, which is read with `loading.load_linear`."""
        return self._kind.is_linear

    @property
    def is_network(self) -> bool:
        """Whether torch runs the classifier, on a GPU where there is one."""
        return self._kind.is_network

    @property
    def weights_from(self) -> WeightsFrom:
        """Where the weights were fitted; see `unseen`."""
        return self._kind.weights_from

    def weights_for(self, split: str) -> str:
        """The part of the weights for a split; without its images, where it was fitted here.

        Raises:
            StoreError: there is none.
        """
        for part in (split, ANY_SPLIT):
            if part in self.training_instances:
                return part
        raise StoreError(
            self.name,
            f"the classifier has no weights that serve split {split!r}",
            f"explain images of its dataset {self.dataset!r}",
        )

    def to_json(self) -> dict[str, Any]:
        """The card as JSON-like data."""
        return dataclasses.asdict(self)


def checkpoint_file(folder: Path, epoch: int) -> Path:
    """Where the weights after an epoch are kept."""
    return folder_of(folder) / CHECKPOINTS / f"epoch-{epoch}.safetensors"


def read_card(path: Path) -> Card:
    """Read card.json of a classifier's folder.

    Raises:
        StoreError: it is missing, damaged or not a card.
    """
    file = folder_of(path) / CARD
    if not appears(file):
        raise StoreError(file, "there is no classifier here", "train it first")
    raw = read_file(file, file, _AGAIN)
    try:
        content = json.loads(raw)
        content |= {
            key: tuple(content[key]) for key in ("class_names", "input_shape", "checkpoints")
        }
        return Card(**content)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(file, f"is not the card of a classifier ({error})", _AGAIN) from error
