"""Gradient by the normalised image, times it, summed over channels [shrikumar2016]."""

from typing import ClassVar, Literal

from prediction_difference.attribution.method import Method


class GradientTimesInput(Method):
    """Gradient by the normalised image, times it, summed over channels [shrikumar2016]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["gradient_times_input"]
