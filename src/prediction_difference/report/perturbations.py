"""Tables of AOPC: one for each evaluation, and methods against the sizes of regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.method import is_baseline
from prediction_difference.evaluation.claims.larger_aopc import LargerAopc
from prediction_difference.evaluation.perturbed_table import summarise
from prediction_difference.evaluation.shards import OUTPUTS
from prediction_difference.evaluation.table import read_table
from prediction_difference.figures.perturbation_curves import RANKS, REPLACEMENTS
from prediction_difference.intervals import CONFIDENCE
from prediction_difference.typesetting import UNKNOWN, number

_ORDERS = {"morf": "most relevant first (MoRF)", "lerf": "least relevant first (LeRF)"}
_WANTED = {"morf": "larger", "lerf": "smaller"}
_WORDS = {"score": "class score", "probability": "class probability"}


@dataclass(frozen=True)
class Measured:
    """The table of an evaluation, and where its file is."""

    name: str
    table: Any
    link: str

    @property
    def settings(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.table.attrs["settings"]
        return found


@dataclass(frozen=True)
class Row:
    """AOPC of an explanation, and how far it is above random order, by output, with intervals."""

    explanation: str
    method: str
    images: int
    aopc: Mapping[str, str]
    above_random: Mapping[str, str]
    forwards: str
    seconds: str


@dataclass(frozen=True)
class AopcTable:
    """An evaluation. outputs: what f is, in words, by output; the chosen one first."""

    name: str
    classifier: str
    outputs: Mapping[str, str]
    details: str
    confidence: str
    rows: Sequence[Row]
    link: str


@dataclass(frozen=True)
class RegionsTable:
    """Evaluations that differ in the size of regions: AOPC above random, by explanation and size.

    regions: their sides, in pixels.
    """

    classifier: str
    details: str
    confidence: str
    regions: Sequence[int]
    rows: Sequence["RegionsRow"]


@dataclass(frozen=True)
class RegionsRow:
    """AOPC above random of an explanation, for each size, and what a map of it costs.

    verdicts: for each size, what claims say of it beside other explanations, maybe nothing.
    """

    explanation: str
    cells: Sequence[str]
    verdicts: Sequence[Sequence[str]]
    forwards: str
    seconds: str


def read_measured(files: Mapping[str, Path], links: Mapping[str, str]) -> list[Measured]:
    """Tables of evaluations that perturb regions, by name.

    Raises:
        StoreError: a file is missing or damaged.
    """
    return [Measured(name, read_table(file), links[name]) for name, file in files.items()]


def in_words(measured: Sequence[Measured]) -> str:
    """What AOPC is, with the orders and perturbations of these evaluations."""
    orders = dict.fromkeys(one.settings["order"] for one in measured)
    new = dict.fromkeys(REPLACEMENTS[one.settings["perturbation"]] for one in measured)
    ranks = " or ".join(f"{RANKS[order]} ({_WANTED[order]} is better)" for order in orders)
    return (
        "how much the explained class loses, on average, while the regions that a heatmap ranks "
        f"{ranks} are replaced by {' or '.join(new)}"
    )


def aopc_table(one: Measured) -> AopcTable:
    """The table of an evaluation, the largest AOPC first."""
    chosen = one.settings["output"]
    names = [chosen, *(output for output in OUTPUTS if output != chosen)]
    summaries = {
        output: summarise(one.table, output).set_index("explanation", drop=False)
        for output in names
    }
    rows = [_row(name, summaries, one) for name in summaries[chosen].index]
    return AopcTable(
        one.name,
        str(one.table.attrs["classifier"]),
        {output: _WORDS[output] for output in names},
        f"{_regions(one)}, {_details(one)}",
        f"{CONFIDENCE:.0%}",
        rows,
        one.link,
    )


def _row(name: str, summaries: Mapping[str, Any], one: Measured) -> Row:
    records = {output: summary.loc[name] for output, summary in summaries.items()}
    some = next(iter(records.values()))
    cost = one.table.attrs["cost"][name]
    return Row(
        name,
        some["method"],
        int(some["images"]),
        {o: _with_interval(r["aopc"], r["low"], r["high"]) for o, r in records.items()},
        {output: _above_random(record) for output, record in records.items()},
        number(cost["forwards"], 2),
        number(cost["seconds"], 2),
    )


def _above_random(record: Any) -> str:
    if is_baseline(record["method"]) or "aopc_above_random" not in record:
        return UNKNOWN
    return _with_interval(
        record["aopc_above_random"], record["above_random_low"], record["above_random_high"]
    )


def _with_interval(value: float, low: float, high: float) -> str:
    if not np.isfinite(low):
        return number(value)
    return f"{number(value)} ({number(low)} to {number(high)})"


def _regions(one: Measured) -> str:
    return f"regions of side {one.settings['region']}"


def _details(one: Measured) -> str:
    s = one.settings
    return (
        f"{s['steps']} steps, {s['repeats']} repeats, perturbation {s['perturbation']}, "
        f"{_ORDERS[s['order']]}"
    )


_VERDICTS = {True: "above {}: held", False: "above {}: did not hold", None: "above {}: undecided"}


def verdicts_of(records: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """What claims that one AOPC is larger than another found, by evaluation and explanation."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records:
        claim = record["claim"]
        if claim["claim"] in LargerAopc.words():
            words = _VERDICTS[record["held"]].format(claim["than"])
            found.setdefault((claim["evaluation"], claim["explanation"]), []).append(words)
    return found


def regions_tables(
    measured: Sequence[Measured], verdicts: Mapping[tuple[str, str], Sequence[str]]
) -> list[RegionsTable]:
    """Evaluations that differ in nothing but the size of regions, two or more, side by side.

    verdicts: of `verdicts_of`.
    """
    groups: dict[tuple[object, ...], list[Measured]] = {}
    for one in measured:
        key = (one.table.attrs["classifier"], _details(one), one.settings["output"])
        groups.setdefault(key, []).append(one)
    return [_regions_table(group, verdicts) for group in groups.values() if len(group) > 1]


def _regions_table(
    group: Sequence[Measured], verdicts: Mapping[tuple[str, str], Sequence[str]]
) -> RegionsTable:
    group = sorted(group, key=lambda one: one.settings["region"])
    output = group[0].settings["output"]
    summaries = [summarise(one.table, output).set_index("explanation") for one in group]
    names = list(dict.fromkeys(name for summary in summaries for name in summary.index))
    names = [name for name in names if any(_is_compared(s, name) for s in summaries)]
    rows = []
    for name in names:
        cells = [_above_random(s.loc[name]) if name in s.index else UNKNOWN for s in summaries]
        said = [verdicts.get((one.name, name), ()) for one in group]
        costs = [c[name] for one in group if name in (c := one.table.attrs["cost"])]
        cost = [number(costs[0][key], 2) for key in ("forwards", "seconds")]
        rows.append(RegionsRow(name, cells, said, *cost))
    return RegionsTable(
        str(group[0].table.attrs["classifier"]),
        f"{_details(group[0])}; f is the {_WORDS[output]}",
        f"{CONFIDENCE:.0%}",
        [one.settings["region"] for one in group],
        rows,
    )


def _is_compared(summary: Any, name: str) -> bool:
    return name in summary.index and not is_baseline(summary.loc[name, "method"])
