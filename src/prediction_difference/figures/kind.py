"""The protocol of figures."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from prediction_difference.attribution.image_choice import slot_of, slots
from prediction_difference.attribution.method import Method
from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name, Section

Inches = Annotated[float, Field(ge=0.8, le=8)]


class Figure(Section):
    """What every figure needs."""

    kind: str
    paper: Name | None = Field(
        None, description="subfolder of figures/; null: the run's paper or name"
    )
    title: str = ""

    @property
    def explanation_names(self) -> tuple[str, ...]:
        """The explanations whose maps are shown."""
        return ()

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """The evaluations whose tables are drawn."""
        return ()

    @property
    def shown_images(self) -> tuple[str, ...] | None:
        """The images that are shown; None: all of the explanations."""
        return None

    def shown_slots(self, explanations: Mapping[str, Method]) -> dict[str, list[str]]:
        """The slots that are shown of each of its explanations, in order."""
        if self.shown_images is not None:
            shown = [slot_of(name) for name in self.shown_images]
            return dict.fromkeys(self.explanation_names, shown)
        return {name: slots(explanations[name]) for name in self.explanation_names}

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from ()


class MeasuredFigure(Figure):
    """What shows the table of one evaluation."""

    evaluation: Name

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)
