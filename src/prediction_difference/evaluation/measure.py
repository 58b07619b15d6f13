"""The protocol of measures: what is measured about heatmaps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from prediction_difference import layout
from prediction_difference.attribution.image_choice import slots
from prediction_difference.costs import Work
from prediction_difference.errors import DataError, Problem
from prediction_difference.lookup import Lookup, Shapes
from prediction_difference.manifest import Origin
from prediction_difference.run import Config
from prediction_difference.settings import Concept, Section


@dataclass(frozen=True)
class Inputs:
    """What a measure is made from: the configuration, and the results that it names.

    name: of the evaluation. results: the folder of the run. done: notes of the jobs that did the
    parts of its work, if there are parts.
    """

    config: Config
    name: str
    results: Path
    done: Sequence[Path] = ()

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.config.run.seed

    @property
    def stores(self) -> dict[str, list[Path]]:
        """Attribution stores by explanation, in the order of their images."""
        names = self.config.evaluations[self.name].explanation_names
        return {n: layout.attribution_stores(self.config, self.results, n) for n in names}

    @property
    def classifier(self) -> Path:
        """The folder of the classifier that the first explanation explains."""
        names = self.config.evaluations[self.name].explanation_names
        return layout.classifier_folder(self.config, self.results, names[0])

    @property
    def device(self) -> str:
        """Where torch runs the classifier."""
        from prediction_difference.classifiers.device import choose_device

        return choose_device(self.config.run.device)

    @property
    def facts(self) -> dict[str, Any]:
        """What every table says: the evaluation, what it measures, and the seed."""
        measure = self.config.evaluations[self.name]
        explanations = {n: self.config.explanations[n] for n in measure.explanation_names}
        found = {
            "evaluation": self.name,
            "settings": measure.model_dump(mode="json"),
            "explanations": {n: e.model_dump(mode="json") for n, e in explanations.items()},
            "seed": self.seed,
        }
        return found | (self._facts_of_maps if measure.reads_maps else {})

    @property
    def _facts_of_maps(self) -> dict[str, Any]:
        from prediction_difference.classifiers.unseen import WEIGHTS_FROM
        from prediction_difference.stores import read_attributes

        some = read_attributes(next(iter(self.stores.values()))[0])
        return {key: some.get(key) for key in ("classifier", "dataset", WEIGHTS_FROM)}


@dataclass(frozen=True)
class Summary:
    """A table in short, for the report.

    meaning: of the numbers, in whole sentences. columns: their names, after the two that `heads`
    names. rows: a text for each of the columns; lines after the first of a text are remarks.
    worded: those of the columns that hold words. title: over the table; empty for the evaluation's
    name.
    """

    meaning: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    heads: tuple[str, str] = ("explanation", "method")
    worded: Collection[str] = ()
    title: str = ""


class Measure(Concept):
    """What is measured about heatmaps, and of which explanations.

    A measure of one's own needs `measure_maps`, which returns a table (a pandas data frame) with
    one row for each number, and maybe `summary`, which says what the report shows of the table.
    """

    chosen_by: ClassVar[str] = "measure"

    reads_maps: ClassVar[bool] = True
    """Whether the job that makes the table reads the maps of its explanations."""
    runs_classifier: ClassVar[bool] = False
    """Whether that job runs the classifier."""
    parts_are: ClassVar[Literal["shard", "cohort"] | None] = None
    """What other jobs do the work for that job, by the name of their rule; None: nothing."""
    suffix: ClassVar[str] = ".parquet"
    """Of the file that it leaves."""
    heading: ClassVar[str] = "Evaluations"
    """Over its tables in the report."""
    about: ClassVar[str] = ""
    """What is said under that heading, in whole sentences."""

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

    @property
    def prior_name(self) -> str | None:
        """The prior that it draws from."""
        return None

    @property
    def parts_behind(self) -> Sequence[Concept]:
        """Other concepts that it holds and asks."""
        return ()

    def windows_of(self, prior: str) -> set[int]:
        """Sides of the windows for which it draws from a prior."""
        return set()

    def behind(self, config: Config) -> list[Section]:
        """Other entries of the configuration, of which it makes results by itself."""
        return []

    def is_clinical(self, config: Config) -> bool:
        """Whether it measures images that are marked as clinical."""
        return any(config.dataset_of(name).is_clinical for name in self.explanation_names)

    def parts(self, config: Config) -> int:
        """How many other jobs do the work for the one that makes the table."""
        return 0

    def of_part(self) -> dict[str, Any]:
        """The settings that the result of one part depends on, JSON-like."""
        return self.content

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from ()

    def work(self, name: str, config: Config, shapes: Shapes) -> Work | None:
        """What it costs, as far as it runs a classifier or simulates; shapes: of datasets."""
        return None

    def measure_maps(self, inputs: Inputs) -> Any:
        """The table, a pandas data frame whose attributes say how it was made.

        Raises:
            StoreError: an attribution store or the classifier is missing, or they do not fit.
        """
        raise DataError(f"measure {self.measure}", "has no method measure_maps", "add one")

    def table(self, inputs: Inputs) -> Any:
        """The table with attributes that say what was measured.

        Raises:
            StoreError: see `measure_maps`.
            DataError: a user's own measure fails, or returns no table of finite numbers.
        """
        from prediction_difference.evaluation.table import checked_table

        table = checked_table(self, inputs)
        table.attrs = {**inputs.facts, **table.attrs}
        return table

    def publish(self, inputs: Inputs, output: Path, origin: Origin) -> None:
        """Write what it found to its file; origin: what the file is made from."""
        from prediction_difference.evaluation.table import write_table

        write_table(self.table(inputs), output, origin)

    # --- what the report asks -------------------------------------------------------------------

    def read(self, file: Path) -> Any:
        """What was published.

        Raises:
            StoreError: it is missing or damaged.
        """
        from prediction_difference.evaluation.table import read_table

        return read_table(file)

    def summary(self, table: Any) -> Summary | None:
        """What the report shows of what was published; None: nothing."""
        return None

    def findings(self, table: Any) -> Sequence[Mapping[str, Any]]:
        """What was found about claims, a record each."""
        return ()

    @classmethod
    def side_by_side(
        cls, tables: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]
    ) -> list[Summary]:
        """What the report shows of several evaluations of this measure together.

        tables: by evaluation. findings: about claims, of all evaluations.
        """
        return []


def work_of_maps(name: str, measure: Measure, config: Config, forwards: int) -> Work:
    """The work of running the classifier on so many images for each explained one, in one job."""
    first = config.explanations[measure.explanation_names[0]]
    images = len(slots(first))
    return Work(
        "evaluations", name, measure.measure, first.classifier, "passes", images, 1, forwards, 0
    )


def work_of_simulation(name: str, measure: Measure, jobs: int) -> Work:
    """The work of simulated cohorts and of classifiers that are no networks."""
    why = "nothing tells what a simulated cohort takes"
    return Work(
        "evaluations", name, measure.measure, None, "none", 0, jobs, None, None, unknown=why
    )
