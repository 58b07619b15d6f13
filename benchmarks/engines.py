"""What is measured of the engines: speed, memory, exactness, whole maps, optimisations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cases import Case, Share, at_best_batch, make_case
from benchmarks.processes import MIB, in_a_process, peak_mib
from benchmarks.rounds import compared, in_rounds, outcomes, summary, timed, tried
from benchmarks.settings import BenchmarkSettings, CaseName, Device, Errors, Network, Variant
from benchmarks.subject import ENGINES, Subject, make_network, make_subject
from prediction_difference.attribution.engines import incremental
from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import WindowScores
from prediction_difference.errors import DataError
from prediction_difference.priors.windows import WindowGrid

_SHARE_OF_SWEEP = 0.1
"""Seconds of a measurement in the sweep, as a part of those in a round."""
_BATCHES = 2


def only_subject(settings: BenchmarkSettings, device: Device) -> Subject:
    """The one network of a part's settings, to be measured."""
    (network,) = settings.networks.values()
    return make_subject(settings, network, device)


def measure_network(settings: BenchmarkSettings, device: Device) -> dict[str, Any]:
    """Speed, memory and exactness of the cases on one network, JSON-like."""
    (network,) = settings.networks.values()
    subject = only_subject(settings, device)
    found = measure_speed(subject, settings)
    wanted = settings.memory_of or settings.cases
    cases = {n: case for n, case in found["cases"].items() if not case["refused"]}
    batches = {name: cases[name]["batch"] for name in wanted if name in cases}
    return {
        "multiply_accumulates": sum(multiply_accumulates(subject.network, subject.image)),
        "windows_per_map": subject.windows,
        **found,
        "memory": measure_memory(subject, network, batches),
        "errors": settings.errors and measure_errors(subject, settings.errors, settings.cases),
    }


def measure_speed(subject: Subject, settings: BenchmarkSettings) -> dict[str, Any]:
    """Windows a second of the cases, JSON-like: each case's rounds, their median and spread.

    Each runs at its best batch size, bare on the batches of dense. Time to sample and to average
    windows over pixels is in it.
    """
    batches = settings.batches[subject.device]
    sweep = (settings.seconds * _SHARE_OF_SWEEP, settings.sweep_repeats)
    swept = [name for name in settings.cases if name != "bare"]
    done, refused = tried({n: partial(at_best_batch, subject, n, batches, *sweep) for n in swept})
    if "bare" in settings.cases:
        size = done["dense"][0].batch if "dense" in done else batches[0]
        done["bare"] = (make_case(subject, "bare", size).warmed_up(), {})
    averaging = averaging_seconds(subject)
    own = {name: averaging / subject.windows if name != "bare" else 0.0 for name in done}
    rates = measured_rates({n: case for n, (case, _) in done.items()}, settings, own)
    found = compared(rates, ["dense"], refused)
    for name, (case, medians) in done.items():
        found[name] |= {"batch": case.batch, "sweep": medians}
    has_both = {"dense", "bare"} <= done.keys()
    return {
        "cases": {name: found[name] for name in settings.cases},
        "averaging_seconds_per_map": averaging,
        "outside_classifier": summary(1 - rates["dense"] / rates["bare"]) if has_both else None,
    }


def measured_rates(
    cases: Mapping[str, Case], settings: BenchmarkSettings, averaging: Mapping[str, float] = {}
) -> Any:
    """(rounds, cases) windows a second; averaging: seconds of each window that come to it."""
    windows = {name: case.rate(0) * settings.seconds for name, case in cases.items()}

    def rate(name: str, turn: int) -> float:
        return 1 / (1 / cases[name].rate(windows[name], turn) + averaging.get(name, 0.0))

    return in_rounds({name: partial(rate, name) for name in cases}, settings.rounds)


def averaging_seconds(subject: Subject) -> float:
    """Seconds to average a map's windows, and their errors, over its pixels."""
    scores = np.ones((1, *subject.grid.shape), dtype=np.float32)

    def average() -> None:
        subject.grid.average(scores)
        subject.grid.average_error(scores)

    return float(np.median([timed(average, "cpu")[0] for _ in range(3)]))


def measure_memory(
    subject: Subject, network: Network, batches: Mapping[CaseName, int | None]
) -> dict[str, Any]:
    """MiB that each case holds at its peak in a process of its own, and before it begins.

    Of the GPU too, if it uses one. batches: images in a forward pass, by case.
    """
    import torch

    # The network is built anew: on its way between processes it would be held twice.
    bare, threads = replace(subject, network=torch.nn.Identity()), torch.get_num_threads()
    common = (bare, network, threads)
    return outcomes({c: partial(in_a_process, _peak, *common, c, b) for c, b in batches.items()})


def _peak(
    bare: Subject, network: Network, threads: int, name: CaseName, batch: int | None
) -> dict[str, Any]:
    import torch

    torch.set_num_threads(threads)
    subject = replace(bare, network=make_network(network, bare.seed))
    before = peak_mib()
    case = make_case(subject, name, batch)
    # Two rows or two batches, so that what lives on between them is counted.
    case.run(case.share(_BATCHES * sum(map(len, case.share(0, 0))), 0))
    on_gpu = torch.cuda.max_memory_allocated() / MIB if subject.device == "cuda" else None
    return {"peak_mib": peak_mib(), "before_mib": before, "gpu_peak_mib": on_gpu}


def measure_errors(subject: Subject, settings: Errors, cases: Sequence[CaseName]) -> dict[str, Any]:
    """Largest and root mean square difference of each engine from dense float32, JSON-like.

    Of activation differences of the classes with the largest scores, that is of class scores that
    are means over the S draws, beside the range of all class scores; and of the weight of
    evidence of the predicted class in bits, beside its sampling error at S.
    """
    classes = np.argsort(subject.scores)[::-1][: settings.classes]
    nodes = (Node.probability(subject.predicted), *(Node.score(int(c)) for c in classes))
    ends = np.meshgrid(*(axis[[0, -1]] for axis in subject.grid.axes), indexing="ij")
    corners = np.concatenate(
        [subject.random_corners(settings.windows, 0), np.stack(ends, -1).reshape(-1, len(ends))]
    )
    corners = np.unique(corners, axis=0)

    def scores(case: CaseName) -> WindowScores:
        analysis = subject.analysis(case)
        return analysis.windows(subject.target(analysis, nodes), corners)

    reference = scores("dense")
    sampling = _root_mean_square(reference.standard_error[:1])

    def against(case: CaseName) -> dict[str, Any]:
        difference = scores(case).score - reference.score
        evidence = _root_mean_square(difference[:1])
        return {
            "score_largest": np.abs(difference[1:]).max(),
            "score_rms": _root_mean_square(difference[1:]),
            "evidence_largest": np.abs(difference[:1]).max(),
            "evidence_rms": evidence,
            "is_below_half_the_sampling_error": bool(evidence < sampling / 2),
        }

    compared = [case for case in cases if case in ENGINES and case != "dense"]
    return {
        "windows": len(corners),
        "classes": len(classes),
        "samples": subject.samples,
        "score_range": np.ptp(subject.scores),
        "sampling_error_of_evidence": sampling,
        "evidence_rms": _root_mean_square(reference.score[:1]),
        "cases": outcomes({case: partial(against, case) for case in compared}),
    }


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def measure_maps(settings: BenchmarkSettings, device: Device) -> dict[str, Any]:
    """Whole maps and their seconds beside what dense needs at `flops` a second, JSON-like."""
    maps, subject = settings.maps, only_subject(settings, device)
    macs = sum(multiply_accumulates(subject.network.to(device), subject.image))
    grid = WindowGrid(tuple(subject.image.shape[1:]), subject.window, maps.stride)
    windows = math.prod(grid.shape)
    return {
        "windows": windows,
        "stride": maps.stride,
        "multiply_accumulates": macs,
        "dense_floor_seconds": 2 * macs * windows * subject.samples / settings.flops,
        "cases": outcomes({case: partial(_map, subject, case, maps.stride) for case in maps.cases}),
    }


def _map(subject: Subject, case: CaseName, stride: int) -> dict[str, Any]:
    nodes = [Node.probability(subject.predicted)]
    analysis = subject.analysis(case, stride=stride)
    error = analysis.target(subject.image, nodes).error
    seconds, found = timed(lambda: analysis.attribute(subject.image, nodes), subject.device)
    return {
        "seconds": seconds,
        "forwards": found.forwards,
        "rounding_error_bits": error and error.rounding.max(),
        "sampling_error_bits": error and error.sampling.max(),
        "went_on_in_float32": bool(error and not error.is_small),
        "window_score": found.window_score[0],
    }


def measure_ablation(settings: BenchmarkSettings, device: Device) -> dict[str, Any]:
    """Windows a second of each variant of the incremental engine, JSON-like.

    Ratios, formed within each round, are to dense float32 and to the first variant.
    """
    assert settings.ablation is not None
    subject, variants = only_subject(settings, device), settings.ablation.variants
    cases, refused = tried({v.name: partial(_variant, subject, v) for v in variants})
    rates = measured_rates({"dense": make_case(subject, "dense"), **cases}, settings)
    first = next(iter(cases), "none")
    found = compared(rates, ["dense", first], refused)
    for one in found.values():
        one["over_first"] = one.pop(f"over_{first}", None)
    return {"variants": {variant.name: found[variant.name] for variant in variants}}


def _variant(subject: Subject, variant: Variant) -> Case:
    """The incremental engine with a variant's options, after a first run.

    Raises:
        DataError: the engine has no such options.
    """
    try:
        options = incremental.Options(**variant.options)  # type: ignore[arg-type]
    except TypeError as error:
        what = f"the incremental engine does not have these options ({error})"
        raise DataError(f"ablation {variant.name!r}", what, "correct the options") from error
    engine = incremental.IncrementalEngine(
        subject.network, subject.device, precision=variant.precision, options=options
    )
    prepared = engine.prepare(subject.image)
    nodes = (Node.probability(subject.predicted),)

    def run(share: Share) -> int:
        for corners in share:
            prepared.expectation(corners, subject.sampler, subject.samples, subject.seed, nodes)
        return sum(map(len, share))

    return Case(subject, run, is_by_rows=True).warmed_up()
