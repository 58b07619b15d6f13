"""How fast networks are run: as measured in earlier runs, in the package's table, or estimated."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from prediction_difference import layout
from prediction_difference.config import parse_config
from prediction_difference.costs import Work
from prediction_difference.errors import PredictionDifferenceError, StoreError
from prediction_difference.lookup import Shapes
from prediction_difference.run import Config
from prediction_difference.stores import read_attributes
from prediction_difference.workload.networks import multiply_accumulates

FILES_READ = ("speeds.yaml",)
TABLE = Path(__file__).parent / "speeds.yaml"
_STORES = 8
"""As many stores of an explanation are looked at."""
_BACKWARD = 3
"""Forward passes that one with its way back takes: the latter has twice the multiplications."""


@dataclass(frozen=True)
class Speed:
    """Seconds of one forward pass, and where that number comes from."""

    seconds: float
    source: str


Key = tuple[str, str, str]
"""Kind of work, network and precision."""


class Speeds:
    """Speeds for the work of a configuration.

    device: cpu, whose seconds are those of one core, or h200. measured: by `measured_in`. shapes:
    of datasets whose files were looked at.
    """

    def __init__(
        self, config: Config, device: str, measured: Mapping[Key, Speed], shapes: Shapes = {}
    ):
        self._config = config
        self._shapes = shapes
        self._device = device
        self._measured = measured
        self._macs: dict[str, float | None] = {}

    def of(self, work: Work) -> Speed | None:
        """The speed of a kind of work; None where nothing tells."""
        if work.forwards == 0 or work.classifier is None:
            return Speed(0.0, "no forward pass")
        network = self._config.classifiers[work.classifier].architecture_name
        key = (work.word, network, work.precision)
        if self._device == "cpu":
            return self._measured.get(key) or self._tabulated(work, network) or self._counted(work)
        return self._counted(work)

    def _tabulated(self, work: Work, network: str) -> Speed | None:
        table = _table()
        known = table["core"].get(table["alike"].get(network, network), {})
        rate = known.get(work.kind, {}).get(work.precision)
        if rate is None:
            return None
        return Speed(_ways(work) / float(rate), "table")

    def _counted(self, work: Work) -> Speed | None:
        assert work.classifier is not None
        if work.classifier not in self._macs:
            self._macs[work.classifier] = multiply_accumulates(
                self._config, work.classifier, self._shapes
            )
        macs = self._macs[work.classifier]
        if macs is None:
            return None
        where = "core" if self._device == "cpu" else self._device
        rate = _table()["multiply_accumulates"][where][work.precision]
        return Speed(_ways(work) * macs / float(rate), "estimate")


def _ways(work: Work) -> int:
    """Forward passes that take as long as one with what follows it."""
    return _BACKWARD if work.passes_back else 1


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return table


def measured_in(results: Iterable[Path]) -> dict[Key, Speed]:
    """Seconds of a forward pass in earlier runs, results/<run>, by kind of work and network."""
    found: dict[Key, Speed] = {}
    for folder in results:
        file = folder / "config.yaml"
        try:
            config = parse_config(yaml.safe_load(file.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, PredictionDifferenceError):
            continue
        totals: dict[Key, list[float]] = {}
        for key, seconds, forwards in _costs(config, folder):
            total = totals.setdefault(key, [0.0, 0.0])
            total[0] += seconds
            total[1] += forwards
        source = f"measured in {folder.name}"
        found |= {key: Speed(s / n, source) for key, (s, n) in totals.items() if n}
    return found


def _costs(config: Config, results: Path) -> Iterable[tuple[Key, float, float]]:
    """Kind of work, seconds and forward passes of what is there."""
    for name, explanation in config.explanations.items():
        network = config.classifiers[explanation.classifier].architecture_name
        stores = layout.attribution_stores(config, results, name)
        there = [store for store in stores if (store / "zarr.json").is_file()][:_STORES]
        for store in there:
            try:
                attributes = read_attributes(store)
                cost = attributes["seconds"], attributes["forwards"]
            except (StoreError, KeyError):
                continue
            if attributes.get("device", "cpu") != "cpu":
                continue  # the plan's hours of a GPU are estimates
            precision = attributes.get("precision") or "float32"
            yield (explanation.method, network, precision), *cost
    for name, evaluation in config.evaluations.items():
        file = layout.evaluation_table(results, name)
        attributes = _table_attributes(file) if file.is_file() else {}
        if "forwards" in attributes:
            first = config.explanations[evaluation.explanation_names[0]]
            network = config.classifiers[first.classifier].architecture_name
            precision = getattr(evaluation, "precision", "float32")
            key = (evaluation.measure, network, precision)
            yield key, attributes["seconds"], attributes["forwards"]


def _table_attributes(file: Path) -> dict[str, Any]:
    """Of a table, without its rows."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_schema(file).metadata or {}
    attributes: dict[str, Any] = json.loads(metadata.get(b"PANDAS_ATTRS", b"{}"))
    return attributes
