"""A network as it was after an epoch of its training."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.data.dataset import Catalogue, Dataset


class Checkpoint(Classifier):
    """A network as it was after an epoch of its training."""

    kind: Literal["checkpoint"]
    of: Name = Field(description="the classifier of kind: train that keeps it")
    epoch: int = Field(ge=0, description="one of its checkpoints; 0: the untrained network")
    dataset: Name = Field("", description="that of the trained classifier, which need not be said")

    def moment(self, name: str) -> tuple[str, int]:
        return self.of, self.epoch

    @property
    def trained(self) -> str:
        return self.of

    def completed(self, classifiers: Mapping[str, Any]) -> Self:
        """With the dataset of the trained classifier, where none is said."""
        trained: Any = classifiers.get(self.of)
        if self.dataset or not hasattr(trained, "checkpoints"):
            return self
        return self.model_copy(update={"dataset": trained.dataset})

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from lookup.missing(f"{where}.of", "classifiers", self.of)
        trained = lookup.entry("classifiers", self.of)
        if trained is None:
            return
        kept = getattr(trained, "checkpoints", None)
        if kept is None:
            what = f"{self.of!r} is of kind {trained.kind!r}, which keeps no checkpoints"
            yield Problem(f"{where}.of", what, "name a classifier that keeps some")
            return
        if self.epoch not in kept:
            known = ", ".join(map(str, sorted(kept))) or "none"
            what = f"{self.of!r} keeps no checkpoint of epoch {self.epoch}, but of {known}"
            remedy = f"choose one of these, or add it to classifiers.{self.of}.checkpoints"
            yield Problem(f"{where}.epoch", what, remedy)
        if self.dataset != trained.dataset:
            what = f"{self.of!r} is trained on {trained.dataset!r}, not {self.dataset!r}"
            yield Problem(f"{where}.dataset", what, "remove the key")

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fitting import load_checkpoint

        return load_checkpoint(self, dataset, making.seed, making.device, making.trained)

    def check_catalogue(self, where: str, known: "Catalogue", dataset: Any) -> list[Problem]:
        """Nothing: of the training it is told."""
        return []
