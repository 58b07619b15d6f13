"""Accuracy of a logistic regression over cohorts of other seeds [zintgraf2017, section 4.2]."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.costs import Work
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Inputs, Measure, Summary, work_of_simulation
from prediction_difference.lookup import Lookup, Shapes
from prediction_difference.run import Config
from prediction_difference.settings import Name, Section


class CohortAccuracy(Measure):
    """Accuracy of a logistic regression over cohorts of other seeds [zintgraf2017, section 4.2]."""

    reads_maps: ClassVar[bool] = False

    measure: Literal["cohort-accuracy"]
    classifier: Name = Field(
        description="of kind: logistic-regression, on a dataset of source: simulated-fa"
    )
    cohorts: int = Field(
        10, ge=2, description="seeds: run.seed, which the run itself has, and those after it"
    )
    C: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="strengths to try beside each other; none: the classifier's own"
    )
    effects: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (), description="effects to try beside each other; none: the dataset's own"
    )

    @property
    def explanations(self) -> tuple[str, ...]:
        """None: no maps are needed."""
        return ()

    def behind(self, config: Config) -> list[Section]:
        classifier = config.classifiers[self.classifier]
        return [classifier, config.datasets[classifier.dataset]]

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """Other cohorts can be simulated only."""
        where = f"{where}.classifier"
        yield from lookup.missing(where, "classifiers", self.classifier)
        classifier = lookup.entry("classifiers", self.classifier)
        if classifier is None:
            return
        dataset = lookup.entry("datasets", classifier.dataset)
        is_simulated = dataset is None or isinstance(dataset, SimulatedFA)
        if not isinstance(classifier, LogisticRegression) or not is_simulated:
            what = f"{self.classifier!r} is no logistic regression of a simulated cohort"
            yield Problem(where, what, "name one on a simulated dataset")

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        return work_of_simulation(name, self, 1)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.cohort_accuracy import measure_cohort_accuracy

        return measure_cohort_accuracy(self, inputs.name, inputs.config)

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.cohort_accuracy import summarise_cohorts

        meaning = (
            "Held-out accuracy of the classifier over simulated cohorts of other seeds: mean, "
            "standard deviation over cohorts, and 95 % interval of the mean (by Student)."
        )
        rows = [
            [
                str(row["classifier"]),
                LogisticRegression.word(),
                str(row["cohorts"]),
                f"{row['effect']:g}",
                str(row["C"]),
                f"{row['mean']:.1%}",
                f"{row['deviation']:.1%}",
                f"{row['low']:.1%} to {row['high']:.1%}",
            ]
            for row in summarise_cohorts(table).to_dict("records")
        ]
        columns = ["cohorts", "effect", "C", "accuracy", "deviation", "interval of the mean"]
        return Summary(meaning, columns, rows, ("classifier", "kind"))
