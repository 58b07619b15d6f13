"""Whether the class that dominates a CLEAR map is the predicted one [kumar2017]."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_classes, check_same_images
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name


class Dominance(Measure):
    """Whether the class that dominates a CLEAR map is the predicted one [kumar2017]."""

    measure: Literal["dominance"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with nodes of several classes, such as nodes: [{classes: all}]"
    )
    least_response: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of a map's largest response from which a pixel counts as a class's",
    )

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        where = f"{where}.explanations"
        yield from check_same_images(where, self.explanations, lookup)
        yield from check_classes(where, self.explanations, lookup)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.dominance import measure_dominance

        return measure_dominance(self, inputs.name, inputs.stores, inputs.seed)

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.dominance import summarise_dominance

        least = table.attrs["settings"]["least_response"]
        meaning = (
            "How often the class that dominates the CLEAR map is the predicted one: by pixels with "
            f"at least {least:.0%} of the largest response, or by summed response. With Wilson's "
            "95 % intervals; by chance, if every explained class dominated as often; last, how "
            "often it is the label. Methods that keep the score, such as LRP and deep Taylor, must "
            "sum up to more for a class with a higher score, so that their sums say little that "
            "scores do not."
        )
        rows = [
            [
                row["explanation"],
                row["method"],
                str(row["images"]),
                "right" if row["right"] else "wrong",
                {"area": "pixels", "sum": "summed response"}[row["measure"]],
                f"{row['agreement']:.1%} ({row['low']:.1%} to {row['high']:.1%})",
                f"{row['chance']:.0%}",
                f"{row['label']:.1%}",
            ]
            for row in summarise_dominance(table).to_dict("records")
        ]
        return Summary(
            meaning,
            ["images", "decisions", "dominant by", "is predicted", "by chance", "is label"],
            rows,
        )
