"""What was measured as tables: beside every number that has a target, whether it is reached."""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.settings import BenchmarkSettings, Cohort, Linear
from prediction_difference.figures.style import UNKNOWN, number

Parts = Sequence[Mapping[str, Any]]
Row = dict[str, str]
Fill = Callable[[Any, Mapping[str, Any]], Row]
"""The columns of a case by its name and what was found."""

_MIB_OF_GIB = 1024
NAMES = {
    "dense": "dense, float32",
    "dense-bfloat16": "dense, bfloat16",
    "incremental": "incremental, float32",
    "incremental-bfloat16": "incremental, bfloat16",
    "captum": "captum Occlusion",
    "monai": "MONAI OcclusionSensitivity",
    "published": "as published",
    "bare": "classifier alone",
    "whole": "whole images, float32",
    "whole-bfloat16": "whole images, bfloat16",
    "changes": "what changes, float32",
    "changes-bfloat16": "what changes, bfloat16",
}
"""Of the cases, for people."""


class Table(NamedTuple):
    """A table with a title, rows of texts by column, and notes below it."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def all_tables(settings: BenchmarkSettings, parts: Parts) -> list[Table]:
    """Every table that has rows."""
    networks, maps, linear, perturbed, ablated = (
        of_kind(parts, kind) for kind in ("network", "map", "linear", "perturbation", "ablation")
    )
    volumes = [(n, kind, p["result"][n]) for p in linear for n, kind in settings.linear.items()]
    cohorts = [_cohort(settings.cohort, p["result"]) for p in linear if settings.cohort]
    tables = [
        Table(
            f"Windows a second, k={settings.window}, S={settings.samples}",
            [row for part in networks for row in _speed(settings, part)],
            [_outside(settings, part) for part in networks],
        ),
        Table(
            f"Differences from dense float32 with the same draws, S={settings.samples}",
            [row for part in networks for row in _errors(part)],
            ["Class scores are means over the draws of a window."],
        ),
        Table(
            "Whole maps, run from the first window to the last",
            [row for part in maps for row in _maps(settings, part)],
            [f"Floor: dense at {settings.flops / 1e12:.0f} TFLOP/s."],
        ),
        Table(
            "Logistic regression: the exact map of a subject",
            [_linear(*volume) for volume in volumes],
            cohorts,
        ),
        Table(
            "Region perturbation, forward passes a second",
            [row for part in perturbed for row in _perturbation(settings, part)],
            [_batches(part) for part in perturbed],
        ),
        Table(
            "What each optimisation of the incremental engine brings",
            [row for part in ablated for row in _ablation(part)],
        ),
        Table("Machines", [_machine(part["machine"]) for part in parts]),
    ]
    return [table for table in tables if table.rows]


def of_kind(parts: Parts, kind: str) -> list[Mapping[str, Any]]:
    """Parts of one kind, in their order."""
    return [part for part in parts if part["kind"] == kind]


def as_text(tables: Iterable[Table]) -> tuple[str, str]:
    """Tables below each other as Markdown, and as a part of a page."""
    markdown, page = "", ""
    for title, rows, notes in tables:
        frame = pd.DataFrame(rows).fillna("").drop_duplicates()
        cells = frame.replace(r"\|", r"\\|", regex=True)
        lines = [f"### {title}", cells.to_markdown(index=False, disable_numparse=True), *notes]
        markdown += "\n\n".join(lines) + "\n\n"
        page += f"<h3>{html.escape(title)}</h3>\n{frame.to_html(index=False, border=0)}\n"
        page += "".join(f"<p>{html.escape(note)}</p>\n" for note in notes)
    return markdown.rstrip() + "\n", page


def _spread(measured: Mapping[str, Any] | None) -> str:
    """Median (smallest to largest)."""
    if measured is None:
        return UNKNOWN
    low, high = number(measured["min"]), number(measured["max"])
    return f"{number(measured['median'])} ({low} to {high})"


def _verdict(value: float | None, target: float | None, at_least: bool = True) -> str:
    """Whether a target is reached, and by what part of it it is missed."""
    if target is None:
        return ""
    if value is None:
        return f"{number(target)}: not measured"
    missing = (target - value if at_least else value - target) / target
    outcome = "reached" if missing <= 0 else f"missed by {100 * missing:.0f} %"
    return f"{'≥' if at_least else '≤'} {number(target)}: {outcome}"


def _rows(part: Mapping[str, Any], cases: Mapping[str, Any], fill: Fill, first: str) -> list[Row]:
    """A row for each case; where it was refused, the reason stands in the first column."""
    rows = []
    for case, found in cases.items():
        row = {"device": part["device"], "network": part["network"], "case": NAMES.get(case, case)}
        refused = found["refused"]
        rows.append(row | ({first: f"not measured: {refused}"} if refused else fill(case, found)))
    return rows


def _speed(settings: BenchmarkSettings, part: Mapping[str, Any]) -> list[Row]:
    result, device = part["result"], part["device"]
    targets = settings.networks[part["network"]].targets if device == "cpu" else {}

    def fill(case: Any, found: Mapping[str, Any]) -> Row:
        over = found["over_dense"]
        return {
            "batch": str(found["batch"] or "own choice"),
            "windows/s, median (range)": _spread(found["rate"]),
            "over dense (range)": _spread(over),
            "target": _verdict(over and over["median"], targets.get(case)),
            "whole map, minutes": number(result["windows_per_map"] / found["rate"]["median"] / 60),
            "peak memory, GiB": _memory(settings, device, result["memory"].get(case)),
        }

    return _rows(part, result["cases"], fill, "batch")


def _outside(settings: BenchmarkSettings, part: Mapping[str, Any]) -> str:
    share = part["result"]["outside_classifier"]
    told = _verdict(share and share["median"], settings.outside_target, at_least=False)
    where = f"{part['network']}, {part['device']}"
    return f"{where}: share of dense time outside the classifier {_spread(share)}; {told}"


def _memory(settings: BenchmarkSettings, device: str, found: Mapping[str, Any] | None) -> str:
    if found is None or found["refused"]:
        return UNKNOWN
    peak = found["peak_mib" if device == "cpu" else "gpu_peak_mib"] / _MIB_OF_GIB
    is_missed = device == "cpu" and peak > settings.memory_target
    return number(peak) + (" (too much)" if is_missed else "")


def _errors(part: Mapping[str, Any]) -> list[Row]:
    errors = part["result"]["errors"] or {"cases": {}}

    def fill(_case: Any, found: Mapping[str, Any]) -> Row:
        return {
            "class scores: largest": number(found["score_largest"]),
            "class scores: rms": number(found["score_rms"]),
            "range of the scores": number(errors["score_range"]),
            "evidence, bits: largest": number(found["evidence_largest"]),
            "evidence, bits: rms": number(found["evidence_rms"]),
            "its sampling error": number(errors["sampling_error_of_evidence"]),
            "below half of that": "yes" if found["is_below_half_the_sampling_error"] else "no",
        }

    return _rows(part, errors["cases"], fill, "class scores: largest")


def _maps(settings: BenchmarkSettings, part: Mapping[str, Any]) -> list[Row]:
    result, device = part["result"], part["device"]
    target = settings.networks[part["network"]].seconds_per_map.get(device)

    def fill(_case: Any, found: Mapping[str, Any]) -> Row:
        seconds = found["seconds"]
        note = ", went on in float32" if found["went_on_in_float32"] else ""
        floor = result["dense_floor_seconds"] if device == "cuda" else None
        return {
            "seconds": f"{number(seconds)}{note}",
            "minutes": number(seconds / 60),
            "target, seconds": _verdict(seconds, target, at_least=False),
            "floor of dense, seconds": number(floor),
            "million multiply-accumulates a forward": _millions(result),
        }

    return _rows(part, result["cases"], fill, "seconds")


def _millions(result: Mapping[str, Any]) -> str:
    return number(result["multiply_accumulates"] / 1e6, 4)


def _linear(name: str, kind: Linear, found: Mapping[str, Any]) -> Row:
    seconds, gib = found["seconds_per_map"], found["peak_mib"] / _MIB_OF_GIB
    return {
        "volume": name,
        "voxels": " x ".join(map(str, kind.shape)),
        "k in l": f"{kind.window} in {kind.patch}",
        "windows with weights": f"{found['weighty_windows']:,} of {found['windows']:,}",
        "seconds, median (range)": _spread(seconds),
        "target, seconds": _verdict(seconds["median"], kind.seconds_per_map, at_least=False),
        "peak memory, GiB": f"{gib:.2f}",
        "target, GiB": _verdict(gib, kind.memory_target, at_least=False),
    }


def _cohort(cohort: Cohort, found: Mapping[str, Any]) -> str:
    """Not measured but computed: a cohort is many maps, on two cores two at a time."""
    each = sum(found[name]["seconds_per_map"]["median"] for name in cohort.maps)
    minutes = each * cohort.subjects / 60
    return (
        f"{cohort.subjects} subjects with a map each of {', '.join(cohort.maps)}: "
        f"{minutes:.1f} core minutes, {minutes / 2:.1f} minutes on two cores that share the "
        "subjects (computed from the medians; without fitting classifiers and priors)."
    )


def _perturbation(settings: BenchmarkSettings, part: Mapping[str, Any]) -> list[Row]:
    def fill(case: Any, found: Mapping[str, Any]) -> Row:
        share, cost = found["over_bare"], settings.perturbation
        target = cost.target if cost and case != "bare" else None
        return {
            "forwards/s, median (range)": _spread(found["rate"]),
            "over the classifier alone": _spread(share),
            "target": _verdict(share["median"], target),
            "hours for the paper's images": number(found["hours"]),
        }

    return _rows(part, part["result"]["cases"], fill, "forwards/s, median (range)")


def _batches(part: Mapping[str, Any]) -> str:
    result = part["result"]
    return (
        f"{part['network']}, {part['device']}: alone in batches of {result['batch']}; "
        f"{_millions(result)} million multiply-accumulates a forward; "
        f"hours for {result['forwards']:,} forwards"
    )


def _ablation(part: Mapping[str, Any]) -> list[Row]:
    def fill(_case: Any, found: Mapping[str, Any]) -> Row:
        return {
            "windows/s (range)": _spread(found["rate"]),
            "over dense": _spread(found["over_dense"]),
            "over the first line": _spread(found["over_first"]),
        }

    return _rows(part, part["result"]["variants"], fill, "windows/s (range)")


def _machine(found: Mapping[str, Any]) -> Row:
    versions = found["versions"]
    return {
        "processor": found["processor"],
        "instructions": ", ".join(found["instructions"]) or UNKNOWN,
        "threads of cores": f"{found['threads']} of {found['cores']}",
        "GPU": found["gpu"] or UNKNOWN,
        "torch": versions["torch"],
        "captum": versions["captum"] or UNKNOWN,
        "MONAI": versions["monai"] or UNKNOWN,
    }
