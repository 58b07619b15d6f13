"""Uniform random numbers: the baseline of every comparison."""

from typing import ClassVar, Literal

from prediction_difference.attribution.method import Method


class RandomOrder(Method):
    """Uniform random numbers: the baseline of every comparison."""

    is_baseline: ClassVar[bool] = True

    method: Literal["random"]
