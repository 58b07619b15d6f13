"""The protocol of claims: what papers say of their maps."""

from collections.abc import Iterator

from pydantic import Field

from prediction_difference.attribution.node_choices import NodeOfStore
from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name, Section


class Claim(Section):
    """What every claim of a paper has: its place and its words."""

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
    def measured_by(self) -> str | tuple[str, ...]:
        """The measure of these evaluations, or several that fit."""
        return ""

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of what is compared, if anything is."""
        than = getattr(self, "than", None)
        explanation: str = getattr(self, "explanation", "")
        return () if than is None else (explanation, than)

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from ()


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
