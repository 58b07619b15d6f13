"""What a paper says of its maps, put to the test on the images that are explained here."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference import layout
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.families import CLAIMS
from prediction_difference.lookup import Lookup
from prediction_difference.manifest import Origin
from prediction_difference.registry import OneOf
from prediction_difference.settings import Concept
from prediction_difference.typesetting import UNKNOWN, number


class Claims(Measure):
    """What a paper says of its maps, put to the test on the images that are explained here."""

    suffix: ClassVar[str] = ".json"
    heading: ClassVar[str] = "Claims"
    about: ClassVar[str] = (
        "What the paper says of its maps, measured on the images that are explained here: one "
        "number an image, its mean, and an interval of that. A claim held if the interval lies on "
        "the required side, did not if it lies on the other, and is undecided otherwise; a "
        "published number is reached if the interval holds it. A claim that does not hold is a "
        "result."
    )

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
        for place, claim in enumerate(self.claims):
            if len(set(claim.compared)) < len(claim.compared):
                raise ValueError(
                    f"claim {place} compares {claim.compared[0]} with itself; name two"
                )
        return self

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        for place, claim in enumerate(self.claims):
            yield from claim.problems(f"{where}.claims.{place}", lookup)

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

    def read(self, file: Path) -> Any:
        from prediction_difference.evaluation.claim_checks import read_claims

        return read_claims(file)

    def findings(self, table: Any) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = table["claims"]
        return found

    def summary(self, table: Any) -> Summary:
        records = self.findings(table)
        levels = " and ".join(sorted({f"{record['confidence']:.0%}" for record in records}))
        meaning = f"Intervals at {levels} (Student's t over the images; Wilson's for shares)."
        columns = ["our number", "mean", "interval", "required", "images", "outcome"]
        rows = [_row(record) for record in records]
        worded = ("our number", "required", "outcome")
        return Summary(meaning, columns, rows, ("place", "claim"), worded)


def _row(record: Mapping[str, Any]) -> list[str]:
    unit = f" {record['unit']}" if record["unit"] else ""
    interval = record["interval"]
    return [
        record["where"],
        record["statement"],
        record["quantity"],
        f"{number(record['number'])}{unit}",
        UNKNOWN if interval is None else " to ".join(number(end) for end in interval),
        record["required"],
        str(record["images"]),
        {True: "held", False: "did not hold", None: "undecided"}[record["held"]],
    ]
