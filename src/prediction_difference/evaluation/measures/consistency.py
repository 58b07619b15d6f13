"""Whether heatmaps conserve the score, are positive and unique [montavon2017, Table 1]."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_same_class_of_pictures
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name


class Consistency(Measure):
    """Whether heatmaps conserve the score, are positive and unique [montavon2017, Table 1]."""

    measure: Literal["consistency"]
    compared: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="explanations of one class"
    )
    again: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(
        {},
        description="for each of some of these, explanations that begin elsewhere, or are computed "
        "again: where their maps differ, it has no unique solution",
    )

    @property
    def explanations(self) -> tuple[str, ...]:
        """All explanations whose maps are read."""
        others = [name for names in self.again.values() for name in names]
        return tuple(dict.fromkeys([*self.compared, *others]))

    @model_validator(mode="after")
    def _compares_what_it_has(self) -> "Consistency":
        strangers = [name for name in self.again if name not in self.compared]
        if strangers:
            raise ValueError(f"{strangers[0]!r} is repeated, but not among compared; add it there")
        return self

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from check_same_class_of_pictures(f"{where}.compared", self.explanations, lookup)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.consistency import measure_consistency

        return measure_consistency(self, inputs.name, inputs.stores, inputs.seed)

    def summary(self, table: Any) -> Summary:
        import numpy as np

        from prediction_difference.evaluation.consistency import summarise_consistency
        from prediction_difference.typesetting import number

        meaning = (
            "Means over images. Conservation: error of the sum of relevance, as a share of the "
            "score. Negative: share of absolute relevance that is below zero. Outside: share of "
            "absolute relevance that is not where the label's object is. Difference: of maps that "
            "were begun elsewhere or computed again, as a share of their strength; 0 where a "
            "method has one solution. A dash: not measured."
        )
        rows = []
        for row in summarise_consistency(table).to_dict("records"):
            values = [
                "-" if np.isnan(row[key]) else number(row[key])
                for key in ("conservation", "negative", "outside", "difference", "seconds")
            ]
            rows.append([row["explanation"], row["method"], str(row["images"]), *values])
        columns = ["images", "conservation", "negative", "outside", "difference", "seconds a map"]
        return Summary(meaning, columns, rows)
