"""Norm over channels of gradients that rectifiers also rectify [springenberg2015]."""

from typing import ClassVar, Literal

from prediction_difference.attribution.method import Method


class GuidedBackpropagation(Method):
    """Norm over channels of gradients that rectifiers also rectify [springenberg2015]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["guided_backprop"]
    norm: Literal["l2", "linf"] = "l2"
