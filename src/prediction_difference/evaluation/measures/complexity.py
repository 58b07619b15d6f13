"""Sizes of heatmaps as files, and their entropy [samek2017, Fig. 5]."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_same_images
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name


class HeatmapComplexity(Measure):
    """Sizes of heatmaps as files, and their entropy [samek2017, Fig. 5]."""

    measure: Literal["complexity"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from check_same_images(f"{where}.explanations", self.explanations, lookup)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.complexity import measure_complexity

        return measure_complexity(self, inputs.name, inputs.stores, inputs.seed)

    def summary(self, table: Any) -> Summary:
        from prediction_difference.typesetting import with_error

        meaning = (
            "Size of a heatmap with 256 levels of grey as a file, and the entropy of its levels: "
            "means over images ± their standard errors. A heatmap that shows few things compresses "
            f"well. The classifier is {table.attrs['classifier']}."
        )
        sizes = ("png_bytes", "jpeg_bytes", "entropy")
        groups = sorted(table.groupby("explanation"), key=lambda one: one[1]["entropy"].mean())
        rows = [
            [
                str(explanation),
                str(part["method"].iloc[0]),
                str(len(part)),
                *(with_error(part[column].mean(), part[column].sem()) for column in sizes),
            ]
            for explanation, part in groups
        ]
        return Summary(meaning, ["images", "PNG, bytes", "JPEG, bytes", "entropy, bits"], rows)
