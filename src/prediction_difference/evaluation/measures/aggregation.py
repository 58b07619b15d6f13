"""Relevance summed over regions and images, and how alike totals are [samek2017, Fig. 3e]."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_same_class_of_pictures
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.lookup import Lookup, by, dataset_of_explanations
from prediction_difference.settings import Name


class Aggregation(Measure):
    """Relevance summed over regions and images, and how alike totals are [samek2017, Fig. 3e]."""

    measure: Literal["aggregation"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    regions: int = Field(3, ge=1, description="regions along each side of an image")

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        names = self.explanations
        yield from check_same_class_of_pictures(f"{where}.explanations", names, lookup)
        shape = lookup.shape_of(dataset_of_explanations(names, lookup))
        if shape is not None and self.regions > min(shape):
            yield Problem(
                f"{where}.regions",
                f"{self.regions} regions along the sides of images of {by(shape)}",
                f"set regions to at most {min(shape)}",
            )

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.aggregation import measure_aggregation

        return measure_aggregation(self, inputs.name, inputs.stores, inputs.seed)

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.aggregation import totals, variation
        from prediction_difference.typesetting import number

        meaning = (
            "Total relevance of an image by the explained class's score. A method that conserves "
            "the score has a mean of 1 and no variation, so that its maps can be added up."
        )
        rows = []
        for explanation, part in table.groupby("explanation", sort=False):
            values = totals(part)
            numbers = [values.mean(), variation(values), values.min(), values.max()]
            rows.append(
                [
                    str(explanation),
                    str(part["method"].iloc[0]),
                    str(len(values)),
                    *(number(float(value)) for value in numbers),
                ]
            )
        columns = ["images", "mean", "coefficient of variation", "smallest", "largest"]
        return Summary(meaning, columns, rows)
