"""The jobs of a run, and which of them are done: by what they leave in the results' folder."""

import csv
from dataclasses import dataclass
from pathlib import Path

from prediction_difference.artifacts.table import Artifacts
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
        Job(one.group, one.main, logs / f"{one.place}.log", benchmarks / f"{one.place}.tsv")
        for one in Artifacts(config, results)
    ]
