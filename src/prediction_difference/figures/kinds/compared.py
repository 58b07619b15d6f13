"""What figures of several evaluations have in common."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_measured
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.figures.kind import Figure
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.figures.compared_methods import Compared
    from prediction_difference.figures.inputs import Inputs


class ComparedMethods(Figure):
    """What figures of several evaluations have in common."""

    evaluations: Annotated[dict[str, Name], Field(min_length=1)] = Field(
        description="evaluations by the titles of their panels"
    )
    labels: dict[Name, str] = Field(
        {},
        description="explanations that are shown, and what they are called, alike for several "
        "classifiers; none: all, by their names",
    )
    baseline: str | None = Field(
        None,
        description="label or name of the explanation that the others are compared with, image by "
        "image; null: the one by the method random",
    )

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return tuple(self.evaluations.values())

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """Every explanation that is shown, and the baseline, must have been measured."""
        for title, name in self.evaluations.items():
            place = f"{where}.evaluations.{title}"
            yield from check_measured(place, name, (RegionPerturbation,), (), lookup)
        entries: dict[str, Any] = {
            name: lookup.entry("evaluations", name) for name in self.evaluation_names
        }
        if not all(isinstance(entry, RegionPerturbation) for entry in entries.values()):
            return
        measured = {name for entry in entries.values() for name in entry.explanations}
        for name in self.labels:
            if name not in measured:
                what = f"none of its evaluations measures {name!r}"
                known = ", ".join(sorted(measured))
                yield Problem(f"{where}.labels", what, f"they measure {known}")
        for evaluation, entry in entries.items():
            names = entry.explanations
            by_name = {n: e for n in names if (e := lookup.entry("explanations", n)) is not None}
            if by_name and len(by_name) == len(names):
                yield from self._problems_of_panel(where, evaluation, by_name)

    def _problems_of_panel(
        self, where: str, evaluation: str, entries: Mapping[str, Any]
    ) -> Iterator[Problem]:
        """A panel needs what is compared and the baseline; entries: the explanations measured."""
        labels = self.labels
        shown = {name: labels.get(name, name) for name in entries if not labels or name in labels}
        if self.baseline is None:
            baselines = {name for name, entry in entries.items() if entry.is_baseline}
            what = (
                f"{evaluation} measures no explanation that is a baseline, such as a random order"
            )
            remedy = "add one to it, or name another baseline"
        else:
            baselines = {name for name, label in shown.items() if label == self.baseline}
            what = f"{evaluation} does not measure {self.baseline!r}"
            if self.baseline in entries:
                what = f"{self.baseline!r} of {evaluation} is not shown, or has another label"
            remedy = f"choose from {', '.join(sorted(shown.values())) or 'what labels name'}"
        if not baselines:
            yield Problem(f"{where}.baseline", what, remedy)
        elif baselines >= shown.keys():
            what = f"nothing of {evaluation} is shown but the baseline"
            others = ", ".join(sorted(entries.keys() - baselines))
            remedy = "let it measure other explanations as well"
            remedy = f"label one of {others}" if others else remedy
            yield Problem(f"{where}.evaluations", what, remedy)

    def panels(self, inputs: "Inputs") -> "list[Compared]":
        """What every evaluation found, beside its baseline."""
        from prediction_difference.figures.compared_methods import compare

        return [
            compare(title, inputs.table(name), self.labels, self.baseline)
            for title, name in self.evaluations.items()
        ]
