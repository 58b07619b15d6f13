"""From node values to relevance: weight of evidence and activation difference."""

from collections.abc import Sequence

import numpy as np

from prediction_difference.attribution.nodes import Node


def laplace(p: np.ndarray, training_instances: int, classes: int) -> np.ndarray:
    """(...) probabilities -> (pN + 1) / (N + K), so 0 and 1 have finite odds [zintgraf2017]."""
    return (p * training_instances + 1) / (training_instances + classes)


def log2_odds(p: np.ndarray) -> np.ndarray:
    """(...) probabilities between 0 and 1, both excluded -> log2(p / (1 - p)) in bits."""
    return np.log2(p) - np.log2(1 - p)


def relevance(
    nodes: Sequence[Node],
    with_window: np.ndarray,
    without_window: np.ndarray,
    variance: np.ndarray,
    training_instances: int,
    classes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Relevance of windows, and its standard error.

    with_window: (nodes,) values of the image as it is. without_window: (nodes, windows) means
    over the draws. variance: (nodes, windows) of these means, NaN where they are exact.
    Returns (nodes, windows) twice: weight of evidence [zintgraf2017, eq. 3] in bits for
    probabilities, activation difference (section 3.3) for the others; standard errors of the
    former by the delta method.
    """
    difference = with_window[:, None] - without_window
    error = np.sqrt(variance)
    for i, node in enumerate(nodes):
        if node.kind != "probability":
            continue
        p = laplace(with_window[i], training_instances, classes)
        p_without = laplace(without_window[i], training_instances, classes)
        difference[i] = log2_odds(p) - log2_odds(p_without)
        slope = training_instances / (training_instances + classes)
        error[i] *= slope / (np.log(2) * p_without * (1 - p_without))
    return difference, error
