"""Whether heatmaps conserve the score, are positive and unique [montavon2017, Table 1]."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.evaluation.measure import Measure
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
