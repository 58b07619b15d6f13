"""Covariance of the training images times the weights, by the log odds' variance [haufe2014]."""

from typing import Literal

from prediction_difference.attribution.method import Method


class HaufePattern(Method):
    """Covariance of the training images times the weights, by the log odds' variance [haufe2014].

    The same map for every image of a fold: where voxels rise and fall with the log odds.
    """

    method: Literal["pattern"]
