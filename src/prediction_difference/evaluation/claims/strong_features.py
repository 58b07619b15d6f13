"""More images are right with only the strong features of their class than without them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prediction_difference.errors import Problem, StoreError
from prediction_difference.evaluation.claim import ClaimOfMeasured
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.strong_features import StrongFeatures
from prediction_difference.lookup import Lookup

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class StrongFeaturesSuffice(ClaimOfMeasured):
    """More images are right with only the strong features of their class than without them."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = (StrongFeatures,)

    claim: Literal["strong-features"]
    threshold: float = Field(ge=0, le=1, description="one of the evaluation's")

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from super().problems(where, lookup)
        measured = lookup.entry("evaluations", self.evaluation)
        if isinstance(measured, StrongFeatures) and self.threshold not in measured.thresholds:
            what = f"{self.evaluation} does not measure threshold={self.threshold:g}"
            known = ", ".join(f"{one:g}" for one in measured.thresholds)
            yield Problem(where, what, f"choose from {known}, or add it to its thresholds")

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.findings import Measured

        table = opened[self.evaluation]
        is_chosen = table["explanation"] == self.explanation
        is_chosen &= np.isclose(table["threshold"], self.threshold) & (table["part"] != "full")
        if not is_chosen.any():
            what = f"did not measure {self.explanation!r} at threshold {self.threshold:g}"
            raise StoreError(f"evaluation {self.evaluation}", what, "choose one of its thresholds")
        parts = (
            table[is_chosen].pivot(index="image", columns="part", values="correct").astype(float)
        )
        quantity = "share that is right with only strong features, less that without them"
        return Measured(np.asarray(parts["only"] - parts["without"]), quantity, "")
