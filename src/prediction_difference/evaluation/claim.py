"""The protocol of claims: what papers say of their maps."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from prediction_difference.attribution.node_choices import NodeOfStore
from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_measured
from prediction_difference.evaluation.measure import Measure
from prediction_difference.lookup import Lookup, check_equal
from prediction_difference.settings import Concept, Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class Claim(Concept):
    """What every claim of a paper has: its place and its words."""

    chosen_by: ClassVar[str] = "claim"
    measured_by: ClassVar[tuple[type[Measure], ...]] = ()
    """The measure of the evaluations that it is about, or several that fit."""

    claim: str
    where: str = Field(min_length=1, description="figure, table or section of the paper")
    statement: str = Field(min_length=1, description="what is claimed, in words")

    @property
    def explanation_names(self) -> tuple[str, ...]:
        """The explanations whose maps the claim is about."""
        return ()

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """The evaluations whose tables the claim is about."""
        return ()

    @property
    def classifier_names(self) -> tuple[str, ...]:
        """The classifiers whose predictions the claim is about."""
        return ()

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of what is compared, if anything is."""
        than = getattr(self, "than", None)
        explanation: str = getattr(self, "explanation", "")
        return () if than is None else (explanation, than)

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        for name in self.explanation_names:
            yield from lookup.missing(where, "explanations", name)
        for name in self.classifier_names:
            yield from lookup.missing(where, "classifiers", name)
        yield from check_equal(where, ("images",), self.explanation_names, lookup)
        for name, compared in self.measured_explanations:
            yield from check_measured(where, name, self.measured_by, compared, lookup)

    @property
    def measured_explanations(self) -> list[tuple[str, tuple[str, ...]]]:
        """The evaluations, each with the explanations that it must have measured."""
        return [(name, self.compared) for name in self.evaluation_names]

    @abstractmethod
    def measured(self, opened: "Opened") -> "Measured":
        """One number of each image, and what their mean has to be if the claim holds.

        opened: what the claim is about, by name: lists of opened attribution stores, tables of
        evaluations, predictions of classifiers.

        Raises:
            StoreError: a store or table lacks what the claim is about.
        """


class ClaimOfMaps(Claim):
    """A claim about the maps of an explanation, maybe beside those of another one."""

    explanation: Name

    @property
    def explanation_names(self) -> tuple[str, ...]:
        return self.compared or (self.explanation,)


class ClaimOfNode(ClaimOfMaps):
    """A claim about the maps of one node."""

    node: NodeOfStore = Field(0, description="by number from 0 or by name")


class ClaimOfTable(Claim):
    """A claim about two explanations that an evaluation measured on the same images."""

    evaluation: Name
    explanation: Name
    than: Name = Field(description="the other explanation")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)


class ClaimOfMeasured(Claim):
    """A claim about one explanation that an evaluation measured."""

    evaluation: Name
    explanation: Name

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.explanation,)
