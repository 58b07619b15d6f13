"""The protocol of figures."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from prediction_difference.attribution.image_choice import slot_of, slots
from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_measured
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Concept, Name

if TYPE_CHECKING:
    from prediction_difference.attribution.method import Method
    from prediction_difference.evaluation.measure import Measure
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs

Inches = Annotated[float, Field(ge=0.8, le=8)]


class Figure(Concept):
    """What every figure needs."""

    chosen_by: ClassVar[str] = "kind"

    shows_all_images: ClassVar[bool] = True
    """Whether all images of its explanations are shown where it names none."""

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

    def shown_slots(self, explanations: "Mapping[str, Method]") -> dict[str, list[str]]:
        """The slots that are shown of each of its explanations, in order."""
        if self.shown_images is not None:
            shown = [slot_of(name) for name in self.shown_images]
            return dict.fromkeys(self.explanation_names, shown)
        return {name: slots(explanations[name]) for name in self.explanation_names}

    @property
    def key_of_explanations(self) -> str:
        """The key that names them, for messages."""
        return "explanations"

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        place = f"{where}.{self.key_of_explanations}"
        for name in self.explanation_names:
            yield from lookup.missing(place, "explanations", name)

    @abstractmethod
    def draw(self, inputs: "Inputs") -> "Drawing":
        """The figure, the numbers that it shows, and its caption.

        Raises:
            StoreError: a store or table is missing, incomplete, or does not fit the figure.
        """


class MeasuredFigure(Figure):
    """What shows the table of one evaluation."""

    evaluation: Name

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    @abstractmethod
    def measured_by(self) -> "type[Measure]":
        """The measure of the evaluation."""

    @property
    def compared(self) -> tuple[str, ...]:
        """Explanations that the evaluation must have measured."""
        return ()

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        place = f"{where}.evaluation"
        measures = (self.measured_by,)
        yield from check_measured(place, self.evaluation, measures, self.compared, lookup)
