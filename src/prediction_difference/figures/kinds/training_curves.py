"""AOPC above random order, and accuracy, over the epochs of a training [samek2017, Fig. 7]."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_measured, check_over_training
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.figures.kind import Figure
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class TrainingCurves(Figure):
    """AOPC above random order, and accuracy, over the epochs of a training [samek2017, Fig. 7]."""

    kind: Literal["training-curves"]
    evaluations: Annotated[tuple[Name, ...], Field(min_length=2)] = Field(
        description="of the same methods and images, one for each checkpoint"
    )
    labels: tuple[str, ...] = Field(
        (),
        description="what the explanations are called, in the order of every evaluation; none: as "
        "those of the first one",
    )

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return self.evaluations

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """All explanations of the evaluations are compared, and each has a label or none has."""
        place = f"{where}.evaluations"
        for name in self.evaluations:
            yield from check_measured(place, name, (RegionPerturbation,), (), lookup)
        found = [(name, lookup.entry("evaluations", name)) for name in self.evaluations]
        compared = [(n, e.explanations) for n, e in found if isinstance(e, RegionPerturbation)]
        if len(compared) < len(found):
            return
        first, explanations = compared[0]
        if self.labels and len(self.labels) != len(explanations):
            what = f"{len(self.labels)} labels, but {first!r} has {len(explanations)} explanations"
            yield Problem(f"{where}.labels", what, "give one for each")
        yield from check_over_training(place, compared, RegionPerturbation, lookup)

    def draw(self, inputs: "Inputs") -> "Drawing":
        from prediction_difference.figures.training_curves import Moment, training_curves

        tables = [inputs.table(name) for name in self.evaluations]
        moments = [Moment(inputs.card(table.attrs["classifier"]), table) for table in tables]
        return training_curves(moments, self.labels)
