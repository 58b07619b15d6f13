"""Maps that are really run, from the first window to the last."""

from typing import Any

from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import Attribution
from prediction_difference.benchmark.cases import REFUSALS, analysis_of
from prediction_difference.benchmark.inputs import multiply_accumulates
from prediction_difference.benchmark.settings import CaseName
from prediction_difference.benchmark.subject import Subject
from prediction_difference.benchmark.timing import timed
from prediction_difference.figures.drawing import rounded


def measure_whole_maps(
    subject: Subject, cases: tuple[CaseName, ...], flops: float
) -> dict[str, Any]:
    """Seconds of whole maps beside the time that dense needs at `flops` a second, JSON-like."""
    macs = multiply_accumulates(subject.network.to(subject.device), subject.image)
    forwards = subject.windows * subject.samples
    return {
        "windows": subject.windows,
        "multiply_accumulates": macs,
        "dense_floor_seconds": rounded(2 * macs * forwards / flops),
        "cases": {case: _whole_map(subject, case) for case in cases},
    }


def _whole_map(subject: Subject, case: CaseName) -> dict[str, Any]:
    nodes = [Node.probability(subject.predicted)]
    found: list[Attribution] = []
    try:
        analysis = analysis_of(subject, case)
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
    }
