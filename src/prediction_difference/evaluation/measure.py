"""The protocol of measures: what is measured about heatmaps."""

from collections.abc import Iterator

from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Section


class Measure(Section):
    """What is measured about heatmaps, and of which explanations."""

    measure: str

    @property
    def explanation_names(self) -> tuple[str, ...]:
        """The explanations that are measured."""
        names: tuple[str, ...] = getattr(self, "explanations", ())
        return names

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """The evaluations whose tables it looks at."""
        return ()

    @property
    def classifier_names(self) -> tuple[str, ...]:
        """The classifiers whose predictions it looks at."""
        return ()

    def windows_of(self, prior: str) -> set[int]:
        """Sides of the windows for which it draws from a prior."""
        return set()

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from ()
