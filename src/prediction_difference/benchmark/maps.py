"""Maps that are really run, from the first window to the last."""

import math
from typing import Any

from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import Attribution
from prediction_difference.benchmark.cases import REFUSALS, analysis_of
from prediction_difference.benchmark.settings import CaseName, Maps
from prediction_difference.benchmark.subject import Subject
from prediction_difference.benchmark.timing import timed
from prediction_difference.figures.drawing import rounded
from prediction_difference.priors.windows import WindowGrid


def measure_maps(subject: Subject, settings: Maps, flops: float) -> dict[str, Any]:
    """Maps and their seconds beside what dense needs at `flops` a second, JSON-like."""
    macs = sum(multiply_accumulates(subject.network.to(subject.device), subject.image))
    grid = WindowGrid(tuple(subject.image.shape[1:]), subject.sampler.window, settings.stride)
    windows = math.prod(grid.shape)
    return {
        "windows": windows,
        "stride": settings.stride,
        "multiply_accumulates": macs,
        "dense_floor_seconds": rounded(2 * macs * windows * subject.samples / flops),
        "cases": {case: _map(subject, case, settings.stride) for case in settings.cases},
    }


def _map(subject: Subject, case: CaseName, stride: int) -> dict[str, Any]:
    nodes = [Node.probability(subject.predicted)]
    found: list[Attribution] = []
    try:
        analysis = analysis_of(subject, case, stride=stride)
        target = analysis.target(subject.image, nodes)
        seconds = timed(
            lambda: found.append(analysis.attribute(subject.image, nodes)), subject.device
        )
    except REFUSALS as error:
        return {"refused": " ".join(str(error).split())}
    return {
        "refused": None,
        "seconds": rounded(seconds),
        "forwards": found[0].forwards,
        "rounding_error_bits": rounded(target.error.rounding.max()) if target.error else None,
        "sampling_error_bits": rounded(target.error.sampling.max()) if target.error else None,
        "went_on_in_float32": bool(target.error and not target.error.is_small),
        "window_score": rounded(found[0].window_score[0]),
    }
