"""The protocol of classifiers."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Concept, Name

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
