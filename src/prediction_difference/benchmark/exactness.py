"""How far engines and precisions are from dense float32, with the same draws."""

from typing import Any

import numpy as np

from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import WindowScores
from prediction_difference.benchmark.cases import REFUSALS, analysis_of, is_own
from prediction_difference.benchmark.settings import CaseName, Errors
from prediction_difference.benchmark.subject import Subject, share_of_windows
from prediction_difference.figures.drawing import rounded


def measure_errors(subject: Subject, settings: Errors, cases: tuple[CaseName, ...]) -> Any:
    """Largest and root mean square difference of each case from dense float32, JSON-like.

    Of activation differences of the classes with the largest scores, that is of class scores that
    are means over the S draws, beside the range of all class scores; and of the weight of
    evidence of the predicted class in bits, beside its sampling error at S.
    """
    compared = [case for case in cases if is_own(case) and case != "dense"]
    classes = np.argsort(subject.scores)[::-1][: settings.classes]
    nodes = (Node.probability(subject.predicted), *(Node.score(int(c)) for c in classes))
    corners = _corners(subject, settings.windows)
    reference = _scores(subject, "dense", corners, nodes)
    sampling = _root_mean_square(reference.standard_error[:1])
    return {
        "windows": len(corners),
        "classes": len(classes),
        "samples": subject.samples,
        "score_range": rounded(np.ptp(subject.scores)),
        "sampling_error_of_evidence": rounded(sampling),
        "evidence_rms": rounded(_root_mean_square(reference.score[:1])),
        "cases": {
            case: _against(subject, case, corners, nodes, reference, sampling) for case in compared
        },
    }


def _against(
    subject: Subject,
    case: CaseName,
    corners: np.ndarray,
    nodes: tuple[Node, ...],
    reference: WindowScores,
    sampling: float,
) -> dict[str, Any]:
    try:
        found = _scores(subject, case, corners, nodes)
    except REFUSALS as error:
        return {"refused": " ".join(str(error).split())}
    difference = found.score - reference.score
    evidence = _root_mean_square(difference[:1])
    return {
        "refused": None,
        "score_largest": rounded(np.abs(difference[1:]).max()),
        "score_rms": rounded(_root_mean_square(difference[1:])),
        "evidence_largest": rounded(np.abs(difference[:1]).max()),
        "evidence_rms": rounded(evidence),
        "is_below_half_the_sampling_error": bool(evidence < sampling / 2),
    }


def _scores(
    subject: Subject, case: CaseName, corners: np.ndarray, nodes: tuple[Node, ...]
) -> WindowScores:
    analysis = analysis_of(subject, case)
    return analysis.windows(subject.target(analysis.prepare(subject.image), nodes), corners)


def _corners(subject: Subject, windows: int) -> np.ndarray:
    """(n, d) random windows, and those in the corners of the image."""
    axes = [axis[[0, -1]] for axis in subject.grid.axes]
    ends = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    return np.unique(np.concatenate([share_of_windows(subject, windows, 0).corners, ends]), axis=0)


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
