"""Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.errors import Problem, StoreError
from prediction_difference.evaluation.claim import Claim
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class FindsDamage(Claim):
    """Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

    claim: Literal["finds-damage"]
    evaluation: Name = Field(description="of measure location")
    method: Name = Field(description="one of its methods")
    than: Name = Field(description="another one")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    def measured_by(self) -> tuple[type[Measure], ...]:
        return (LocationStudy,)

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.method, self.than)

    @property
    def measured_explanations(self) -> list[tuple[str, tuple[str, ...]]]:
        """None of explanations: a study of location has methods in their place."""
        return [(self.evaluation, ())]

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from super().problems(where, lookup)
        study = lookup.entry("evaluations", self.evaluation)
        if not isinstance(study, LocationStudy):
            return
        for method in self.compared:
            if method not in study.methods:
                what = f"evaluation {self.evaluation!r} does not measure {method!r}"
                known = ", ".join(study.methods)
                yield Problem(where, what, f"it measures {known}; name one of these, or add it")

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.findings import Measured
        from prediction_difference.evaluation.location import AUC, by_cohort

        areas = by_cohort(opened[self.evaluation], AUC)
        for method in self.compared:
            if method not in areas:
                remedy = "make the evaluation again"
                raise StoreError(
                    f"evaluation {self.evaluation}", f"did not measure {method!r}", remedy
                )
        quantity = f"area under the curve of {self.method} less that of {self.than}, by cohort"
        return Measured((areas[self.method] - areas[self.than]).to_numpy(), quantity, "")
