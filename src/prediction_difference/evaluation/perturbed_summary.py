"""AOPC in words and in short tables: of one evaluation, and of several sizes of regions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prediction_difference.attribution.method import is_baseline
from prediction_difference.evaluation.claims.larger_aopc import LargerAopc
from prediction_difference.evaluation.measure import Summary
from prediction_difference.evaluation.perturbed_table import summarise
from prediction_difference.evaluation.shards import OUTPUTS
from prediction_difference.intervals import CONFIDENCE
from prediction_difference.typesetting import UNKNOWN, number

REPLACEMENTS = {
    "uniform": "uniform noise",
    "blur": "the blurred image",
    "mean": "the mean of each channel",
    "conditional": "draws from the prior given what is around",
}
"""What removed regions become, by the setting `perturbation`."""
ORDERS = {"morf": "the most relevant first (MoRF)", "lerf": "the least relevant first (LeRF)"}
RANKS = {"morf": "first", "lerf": "last"}
"""Where a heatmap ranks the regions that go first, by the setting `order`."""
_WANTED = {"morf": "larger", "lerf": "smaller"}
_WORDS = {"score": "class score", "probability": "class probability"}
_COST = ("forward passes a map", "seconds a map")
_VERDICTS = {True: "above {}: held", False: "above {}: did not hold", None: "above {}: undecided"}
_INTERVALS = f"In brackets: {CONFIDENCE:.0%} bootstrap intervals over images."


def summary_of_aopc(table: Any) -> Summary:
    """The table of an evaluation, the largest AOPC first."""
    settings = table.attrs["settings"]
    chosen, order = settings["output"], settings["order"]
    names = [chosen, *(output for output in OUTPUTS if output != chosen)]
    found = {
        output: summarise(table, output).set_index("explanation", drop=False) for output in names
    }
    meaning = (
        "Area over the perturbation curve (AOPC): how much the explained class loses, on average, "
        f"while the regions that a heatmap ranks {RANKS[order]} ({_WANTED[order]} is better) are "
        f"replaced by {REPLACEMENTS[settings['perturbation']]}. Classifier "
        f"{table.attrs['classifier']}; regions of side {settings['region']}, {_details(table)}. "
        f"{_INTERVALS}"
    )
    rows = []
    for name, some in found[chosen].iterrows():
        cells = []
        for output in names:
            record = found[output].loc[name]
            cells += [_with_interval(record, "aopc", ""), _above_random(record)]
        rows.append([name, some["method"], str(some["images"]), *cells, *_cost(table, name)])
    columns = [c for output in names for c in (f"AOPC, {_WORDS[output]}", "above random")]
    return Summary(meaning, ["images", *columns, *_COST], rows)


def summaries_by_region(
    tables: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]
) -> list[Summary]:
    """Evaluations that differ in nothing but the size of regions, two or more, side by side.

    findings: about claims; what they say of an AOPC stands below it.
    """
    groups: dict[tuple[object, ...], dict[str, Any]] = {}
    for name, table in tables.items():
        key = (table.attrs["classifier"], _details(table), table.attrs["settings"]["output"])
        groups.setdefault(key, {})[name] = table
    verdicts = _verdicts(findings)
    return [_by_region(group, verdicts) for group in groups.values() if len(group) > 1]


def _by_region(
    group: Mapping[str, Any], verdicts: Mapping[tuple[str, str], Sequence[str]]
) -> Summary:
    group = dict(sorted(group.items(), key=lambda one: one[1].attrs["settings"]["region"]))
    some = next(iter(group.values()))
    output = some.attrs["settings"]["output"]
    found = {n: summarise(table, output).set_index("explanation") for n, table in group.items()}
    methods = {name: s.loc[name, "method"] for s in found.values() for name in s.index}
    rows = []
    for name, method in methods.items():
        if is_baseline(method):
            continue
        cells = [
            "\n".join([_above_random(s.loc[name]), *verdicts.get((one, name), ())])
            if name in s.index
            else UNKNOWN
            for one, s in found.items()
        ]
        first = next(table for n, table in group.items() if name in found[n].index)
        rows.append([name, method, *cells, *_cost(first, name)])
    meaning = (
        f"AOPC above random. Classifier {some.attrs['classifier']}; {_details(some)}; f is the "
        f"{_WORDS[output]}. {_INTERVALS} Below a number: what the claims said of it. Seconds: "
        "median over maps."
    )
    sides = [table.attrs["settings"]["region"] for table in group.values()]
    columns = [*(f"{side} \N{MULTIPLICATION SIGN} {side} pixels" for side in sides), *_COST]
    return Summary(meaning, columns, rows, title="Above random, by the size of regions")


def _verdicts(findings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """What claims that one AOPC is larger than another found, by evaluation and explanation."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in findings:
        claim = record["claim"]
        if claim["claim"] in LargerAopc.words():
            words = _VERDICTS[record["held"]].format(claim["than"])
            found.setdefault((claim["evaluation"], claim["explanation"]), []).append(words)
    return found


def _above_random(record: Any) -> str:
    if is_baseline(record["method"]) or "aopc_above_random" not in record:
        return UNKNOWN
    return _with_interval(record, "aopc_above_random", "above_random_")


def _with_interval(record: Any, column: str, ends: str) -> str:
    low, high = record[f"{ends}low"], record[f"{ends}high"]
    if not np.isfinite(low):
        return number(record[column])
    return f"{number(record[column])} ({number(low)} to {number(high)})"


def _cost(table: Any, explanation: str) -> list[str]:
    cost = table.attrs["cost"][explanation]
    return [number(cost["forwards"], 2), number(cost["seconds"], 2)]


def _details(table: Any) -> str:
    s = table.attrs["settings"]
    return (
        f"{s['steps']} steps, {s['repeats']} repeats, perturbation {s['perturbation']}, "
        f"{ORDERS[s['order']]}"
    )
