"""Rules of the methods that pass gradients, or signals that resemble them."""

from collections.abc import Sequence

from torch import Tensor

from prediction_difference.attribution.relevance.passing import transposed
from prediction_difference.classifiers.operations import LocalResponseNorm, Operation, Rectifier


def gradient(
    operation: Operation, inputs: Sequence[Tensor], output: Tensor, signal: Tensor
) -> Sequence[Tensor]:
    """The chain rule [samek2017, section II-A]; a rectifier passes what it let through."""
    return transposed(operation, inputs, signal)


def deconvolution(
    operation: Operation, inputs: Sequence[Tensor], output: Tensor, signal: Tensor
) -> Sequence[Tensor]:
    """As the gradient, but a rectifier rectifies the signal [samek2017, section II-B].

    Local response normalisation passes the signal unchanged, as the paper's rules have none.
    """
    if isinstance(operation, Rectifier):
        return [signal.relu()]
    if isinstance(operation, LocalResponseNorm):
        return [signal]
    return transposed(operation, inputs, signal)


def guided_backpropagation(
    operation: Operation, inputs: Sequence[Tensor], output: Tensor, signal: Tensor
) -> Sequence[Tensor]:
    """The gradient, but a rectifier passes nothing negative either [springenberg2015]."""
    if isinstance(operation, Rectifier):
        return [transposed(operation, inputs, signal.relu())[0]]
    return transposed(operation, inputs, signal)
