"""What a paper says of its maps, put to the test on the images that are explained here."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference import layout
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Inputs, Measure
from prediction_difference.families import CLAIMS
from prediction_difference.lookup import Lookup
from prediction_difference.manifest import Origin
from prediction_difference.registry import OneOf
from prediction_difference.settings import Concept


class Claims(Measure):
    """What a paper says of its maps, put to the test on the images that are explained here."""

    suffix: ClassVar[str] = ".json"

    measure: Literal["claims"]
    claims: Annotated[tuple[Annotated[Any, OneOf(CLAIMS)], ...], Field(min_length=1)]
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of intervals of the mean")

    @property
    def explanations(self) -> tuple[str, ...]:
        """All explanations whose maps claims are about."""
        names = [name for claim in self.claims for name in claim.explanation_names]
        return tuple(dict.fromkeys(names))

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """All evaluations whose tables claims are about."""
        names = [name for claim in self.claims for name in claim.evaluation_names]
        return tuple(dict.fromkeys(names))

    @property
    def classifier_names(self) -> tuple[str, ...]:
        """All classifiers whose predictions claims are about."""
        names = [name for claim in self.claims for name in claim.classifier_names]
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _compares_two(self) -> "Claims":
        for number, claim in enumerate(self.claims):
            if len(set(claim.compared)) < len(claim.compared):
                raise ValueError(
                    f"claim {number} compares {claim.compared[0]} with itself; name two"
                )
        return self

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        for number, claim in enumerate(self.claims):
            yield from claim.problems(f"{where}.claims.{number}", lookup)

    @property
    def parts_behind(self) -> Sequence[Concept]:
        return self.claims

    def publish(self, inputs: Inputs, output: Path, origin: Origin) -> None:
        from prediction_difference.evaluation.claim_checks import check_claims, write_claims

        results = inputs.results
        tables = {name: layout.evaluation_table(results, name) for name in self.evaluation_names}
        classifiers = {name: results / "classifiers" / name for name in self.classifier_names}
        found = check_claims(self, inputs.stores, tables, classifiers)
        write_claims(found, inputs.config.run, output, origin)
