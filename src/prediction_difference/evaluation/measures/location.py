"""Which maps find the damage, over many simulated cohorts [zintgraf2017, section 4.2]."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference import layout
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.costs import Work
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Inputs, Measure, Summary, work_of_simulation
from prediction_difference.lookup import Lookup, Shapes, check_equal
from prediction_difference.run import Config
from prediction_difference.settings import Name, Section

_OF_EXPLANATIONS = "name explanations of a logistic regression, which say it"


class LocationStudy(Measure):
    """Which maps find the damage, over many simulated cohorts [zintgraf2017, section 4.2]."""

    reads_maps: ClassVar[bool] = False
    parts_are: ClassVar[Literal["shard", "cohort"] | None] = "cohort"
    moved: ClassVar[Mapping[str, str]] = {
        "methods": "list explanations, each of one method",
        **dict.fromkeys(
            ("dataset", "C", "window", "patch", "stride", "samples", "patches", "cells"),
            _OF_EXPLANATIONS,
        ),
    }

    measure: Literal["location"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="of one logistic regression of a simulated cohort; each explains all subjects "
        "of every cohort for the class of the patients, by a classifier and a prior of their own"
    )
    cohorts: int = Field(
        20, ge=2, description="simulated cohorts, each with a seed of its own and made by one job"
    )

    def behind(self, config: Config) -> list[Section]:
        explanations = [config.explanations[name] for name in self.explanations]
        classifier = config.classifiers[explanations[0].classifier]
        priors = dict.fromkeys(e.prior_name for e in explanations if e.prior_name is not None)
        fitted = [classifier, *(config.priors[name] for name in priors)]
        return [config.datasets[classifier.dataset], *fitted, *explanations]

    def parts(self, config: Config) -> int:
        return self.cohorts

    def of_part(self) -> dict[str, Any]:
        """All but how many cohorts there are."""
        return self.model_dump(mode="json", exclude={"cohorts"})

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """Only a simulated cohort has known damage, and others like it."""
        where = f"{where}.explanations"
        yield from check_equal(where, ("classifier",), self.explanations, lookup)
        for name in self.explanations:
            yield from lookup.missing(where, "explanations", name)
            explanation = lookup.entry("explanations", name)
            if explanation is not None:
                yield from self._problems_of(where, name, explanation, lookup)

    def _problems_of(
        self, where: str, name: str, explanation: Any, lookup: Lookup
    ) -> Iterator[Problem]:
        classifier = lookup.entry("classifiers", explanation.classifier)
        dataset = lookup.dataset_of(explanation.classifier)
        prior = lookup.entry("priors", explanation.prior_name)
        if classifier is None or dataset is None:
            return
        is_regression = isinstance(classifier, LogisticRegression)
        if not is_regression or not isinstance(dataset, SimulatedFA) or dataset.folds is None:
            what = f"{name!r} explains no logistic regression of a simulated cohort with folds"
            yield Problem(where, what, "name explanations of one, and set folds of its dataset")
        elif classifier.confounds:
            what = f"{explanation.classifier!r} takes confounds out, which change with the subject"
            yield Problem(where, what, "name explanations of a classifier without confounds")
        if prior is not None and prior.dataset != classifier.dataset:
            what = f"the prior of {name!r} is fitted to {prior.dataset!r}, not to the cohort itself"
            yield Problem(where, what, f"give it a prior with dataset: {classifier.dataset}")
        if explanation.reference_name not in (None, classifier.dataset):
            what = f"{name!r} draws from {explanation.reference_name!r}, not from the cohort itself"
            yield Problem(where, what, "remove its key reference")

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        return work_of_simulation(name, self, self.cohorts + 1)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.location import join_cohorts

        return join_cohorts(layout.cohort_tables(inputs.results, inputs.name, self.cohorts))

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.location import ACCURACY, summarise_location

        accuracy = table[table["quantity"] == ACCURACY]["value"].mean()
        meaning = (
            f"Over {table['cohort'].nunique()} simulated cohorts whose classifier is right for "
            f"{accuracy:.1%} of subjects on average, out of fold: how well the mean relevance in a "
            "region tells patients who were hit there from those of their fold who were not (area "
            "under the curve, mean over regions; 0.5 is chance), and correlation of maps between "
            "subjects of one class and of two. Means over cohorts, with 95 % bootstrap intervals."
        )
        rows = []
        for row in summarise_location(table).to_dict("records"):
            name, values = row["explanation"], []
            for key in ("auc", "within", "across"):
                low, high = row[f"{key}_low"], row[f"{key}_high"]
                values.append(f"{row[key]:.2f} ({low:.2f} to {high:.2f})")
            method = table.attrs["explanations"][name]["method"]
            rows.append([name, method, str(row["cohorts"]), *values])
        return Summary(
            meaning, ["cohorts", "AUC of hits", "within a class", "across classes"], rows
        )
