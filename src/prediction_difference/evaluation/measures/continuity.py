"""How abruptly explanations of a function of x1 and x2 change with these [samek2017, Fig. 3b]."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.lookup import Lookup
from prediction_difference.run import Config
from prediction_difference.settings import Name, Section


class Continuity(Measure):
    """How abruptly explanations of a function of x1 and x2 change with these [samek2017, Fig. 3b].

    Also the functions and explanations of [montavon2017, Fig. 1].
    """

    reads_maps: ClassVar[bool] = False

    measure: Literal["continuity"]
    function: Literal["maximum", "rectifiers"] = Field(
        "maximum",
        description="maximum: max(x1, x2) on the unit square [samek2017]; rectifiers: max(0, x1) + "
        "max(0, x2) for numbers of -1 to 1 [montavon2017, section 2.1]",
    )
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="whose methods and options are measured; their images play no part"
    )
    steps: Annotated[tuple[Annotated[int, Field(ge=2, le=512)], ...], Field(min_length=1)] = Field(
        (8, 16, 32, 64, 128),
        description="points along a side of the grids; figures show the vectors of the first",
    )

    def behind(self, config: Config) -> list[Section]:
        return [config.explanations[name] for name in self.explanations]

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """Only what is passed back through a network explains a function of two numbers."""
        for name in self.explanations:
            yield from lookup.missing(f"{where}.explanations", "explanations", name)
            entry = lookup.entry("explanations", name)
            if entry is not None and not entry.is_passed_back:
                what = f"{name!r} has method: {entry.method}, which says nothing of two numbers"
                remedy = "name methods that go back through a network"
                yield Problem(f"{where}.explanations", what, remedy)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.continuity import measure_continuity

        return measure_continuity(self, inputs.name, inputs.config.explanations, inputs.seed)

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.continuity import summarise_continuity
        from prediction_difference.typesetting import number

        summary = summarise_continuity(table)
        steps = sorted(summary["steps"].unique())
        f = {"maximum": "max(x₁, x₂)", "rectifiers": "max(0, x₁) + max(0, x₂)"}
        meaning = (
            f"Largest change of explanations of {f[table.attrs['settings']['function']]} between "
            "neighbours on grids of so many points a side, as a share of the longest vector. It "
            "falls with the grid's step where a method is continuous."
        )
        rows = []
        for explanation, part in summary.groupby("explanation", sort=False):
            by_steps = part.set_index("steps")["change"]
            values = [number(float(by_steps[n])) for n in steps]
            rows.append([str(explanation), str(part["method"].iloc[0]), *values])
        return Summary(meaning, [f"{n} points" for n in steps], rows)
