"""Weights of a linear classifier: the same map for every image."""

from typing import Literal

from prediction_difference.attribution.method import Method


class LinearWeights(Method):
    """Weights of a linear classifier: the same map for every image."""

    method: Literal["weights"]
