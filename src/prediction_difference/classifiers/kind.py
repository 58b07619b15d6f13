"""The protocol of classifiers."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from prediction_difference.errors import DataError, Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Concept, Name

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.data.dataset import Catalogue, Dataset

WeightsFrom = Literal["here", "partly here", "elsewhere"]
"""Where the weights of a classifier were fitted: in the pipeline, so without the images that they
explain; only those of new layers; or by somebody else, on images that nobody here knows."""


class Classifier(Concept):
    """What all classifiers have in common."""

    chosen_by: ClassVar[str] = "kind"

    weights_from: ClassVar[WeightsFrom] = "here"
    is_linear: ClassVar[bool] = False
    """Whether it is a plane, which methods for planes explain, and has no layers."""
    is_network: ClassVar[bool] = True
    """Whether torch runs it, on a GPU where there is one."""
    is_of_two: ClassVar[bool] = False
    """Whether it tells two classes apart, and no more."""

    kind: str
    dataset: Name

    @property
    def trained(self) -> str | None:
        """The classifier whose training it is a part of, if it is another one."""
        return None

    def completed(self, classifiers: Mapping[str, Any]) -> Self:
        """The same settings with what other classifiers of the configuration tell."""
        return self

    def moment(self, name: str) -> tuple[str, int] | None:
        """The training and the epoch that this classifier, of that name, is the state after."""
        return None

    @property
    def architecture_name(self) -> str:
        """What its architecture is called, with what changes its size; for known speeds."""
        return self.kind

    # --- the work -------------------------------------------------------------------------------

    @abstractmethod
    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        """Fit it to a dataset, or load it, and tell its scores of all images.

        One part of the weights for each held-out split, fitted without its images; or one for all.

        Raises:
            DataError: the dataset or the weights do not fit.
        """

    def bare(self, card: "Card", weights: Mapping[str, Any]) -> "nn.Module":
        """The torch module that a part of the weights is loaded into, without normalisation."""
        raise DataError(f"classifier {card.name}", "has no torch module", "add a method bare")

    def module(self, folder: Path, card: "Card", split: str, image: int | None) -> "nn.Module":
        """The classifier that was published in a folder, for images of a split.

        Returns a torch module in evaluation mode: (N, C, *spatial) -> (N, K) scores. image: whose
        confounds it is for, as its position in the dataset; None: average ones.
        """
        from prediction_difference.classifiers.loading import module_with, weights_of

        return module_with(weights_of(folder, card, split), card, split)

    def empty_network(self, shape: tuple[int, ...], classes: int) -> "nn.Module | None":
        """The network without its weights, for images (C, *spatial); None where there is none."""
        return None

    # --- files ----------------------------------------------------------------------------------

    def files_behind(self) -> list[Path]:
        """Files of the user's that it is made from."""
        return []

    def check_files(self, where: str) -> list[Problem]:
        """Problems of these files."""
        return []

    def check_catalogue(self, where: str, known: "Catalogue", dataset: Any) -> list[Problem]:
        """What it needs of the images of its dataset, and these do not have."""
        if self.weights_from == "elsewhere" or not known.labels:
            return []
        import numpy as np

        from prediction_difference.data.dataset import UNLABELLED
        from prediction_difference.data.splits import refuse_small_classes

        labels = np.array(known.labels)
        if (labels == UNLABELLED).any():
            what = f"is trained on classes, which images of {self.dataset!r} do not have"
            return [Problem(f"{where}.dataset", what, "put images in class folders")]
        try:
            refuse_small_classes(labels, dataset, f"{where}.dataset")
        except DataError as error:
            return [error.problem]
        return []

    def names_of_classes(self, known: "Catalogue") -> tuple[str, ...] | None:
        """Its classes, where these are known of the dataset; None where only its weights tell."""
        return known.class_names

    # --- checks ---------------------------------------------------------------------------------

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from lookup.missing(f"{where}.dataset", "datasets", self.dataset)
        dataset = lookup.entry("datasets", self.dataset)
        if dataset is None:
            return
        if self.weights_from != "elsewhere" and not dataset.has_training_images:
            yield Problem(
                f"{where}.dataset",
                f"all images of {self.dataset!r} are held out, none are left to train on",
                "set test_fraction or folds of the dataset",
            )
        names = dataset.known_classes
        if self.is_of_two and names is not None and len(names) != 2:
            yield Problem(
                f"{where}.dataset",
                f"{self.kind} tells two classes apart, {self.dataset!r} has {len(names)}",
                "choose another dataset, or a classifier of more classes",
            )


@dataclass(frozen=True)
class Making:
    """What a classifier is made with, beside its settings and the dataset.

    key: of its random numbers. seed: the run's. device: where torch computes. trained: the folder
    of the classifier that it is a state of, if it is one.
    """

    key: int
    seed: int
    device: str
    trained: Path | None = None
