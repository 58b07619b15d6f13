"""The jobs of a run, and which of them are done: by what they leave in the results' folder."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prediction_difference import layout
from prediction_difference.attribution.image_choice import batches
from prediction_difference.evaluation.measure import Measure
from prediction_difference.run import Config


@dataclass(frozen=True)
class Job:
    """A job of the workflow.

    group: the rule, and the entry of the configuration where its jobs are many. file: what it
    leaves last. log, benchmark: files that say how it went, relative to logs/ and benchmarks/.
    """

    group: str
    file: Path
    log: Path
    benchmark: Path

    def ended(self) -> float | None:
        """When it was finished, in seconds of the clock; None if it is not."""
        try:
            return self.file.stat().st_mtime
        except FileNotFoundError:
            return None

    def seconds(self) -> float | None:
        """How long it took, by its benchmark; None where there is none."""
        try:
            with self.benchmark.open(encoding="utf-8", newline="") as lines:
                return float(next(csv.DictReader(lines, delimiter="\t"))["s"])
        except (OSError, StopIteration, KeyError, ValueError):
            return None


def jobs_of(config: Config, results: Path) -> list[Job]:
    """Every job of a run in the order of the stages; results: its folder, results/<run>."""
    root = results.parent.parent
    logs, benchmarks = root / "logs" / results.name, root / "benchmarks" / results.name
    return [
        Job(group, file, logs / f"{place}.log", benchmarks / f"{place}.tsv")
        for group, file, place in _places(config, results)
    ]


def _places(config: Config, results: Path) -> Iterator[tuple[str, Path, str]]:
    """Group, last file, and where log and benchmark are, of every job."""
    for name in layout.used_datasets(config):
        yield "data", results / "data" / f"{name}.zarr/zarr.json", f"data/{name}"
    for name in layout.used_priors(config):
        yield "prior", results / "priors" / f"{name}.zarr/zarr.json", f"priors/{name}"
    for name in config.classifiers:
        yield "classifier", results / "classifiers" / name / "card.json", f"classifiers/{name}"
    for name, explanation in config.explanations.items():
        for batch in range(len(batches(explanation))):
            for chunk in range(explanation.chunk_count):
                file = layout.done_file(results, name, batch, chunk)
                yield f"chunk of {name}", file, f"attributions/{name}/{file.stem}"
        yield f"attribution {name}", layout.listing(results, name), f"attributions/{name}"
    for name, evaluation in config.evaluations.items():
        yield from _of_evaluation(config, results, name, evaluation)
    for file in layout.figure_files(config, results):
        yield "figure", file, f"figures/{file.parent.name}/{file.stem}"
    for name in layout.explained_cohorts(config):
        yield "brains", layout.brains_page(results, name), f"report/brains-{name}"
    yield "report", results / "report/index.html", "report/index"


def _of_evaluation(
    config: Config, results: Path, name: str, evaluation: Measure
) -> Iterator[tuple[str, Path, str]]:
    rule = evaluation.parts_are
    for number in range(evaluation.parts(config)):
        file = layout.part_file(results, name, evaluation, number)
        yield f"{rule} of {name}", file, f"evaluations/{name}/{file.stem}"
    yield "evaluation", layout.evaluation_file(config, results, name), f"evaluations/{name}"
