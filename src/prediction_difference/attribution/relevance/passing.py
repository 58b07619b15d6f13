"""One backward pass over the steps of a network, by rules that say how each operation is passed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from prediction_difference.classifiers.graph import Graph
from prediction_difference.classifiers.operations import (
    AdaptiveAverage,
    Affine,
    AveragePool,
    Channels,
    Concatenate,
    Convolution,
    Flatten,
    Input,
    Linear,
    Operation,
    Pad,
)


class Rule(Protocol):
    """How a signal passes an operation, from its output to its inputs."""

    def __call__(
        self, operation: Operation, inputs: Sequence[Tensor], output: Tensor, signal: Tensor
    ) -> Sequence[Tensor]:
        """Signals (N, ...) of the inputs, of the inputs' shapes."""
        ...


def passed_back(
    graph: Graph,
    values: Sequence[Tensor],
    signal: Tensor,
    rule: Rule,
    to: int = 0,
    exceptions: Mapping[int, Rule] = MappingProxyType({}),
    start: int | None = None,
) -> Tensor:
    """The signal that reaches a step, by default the image, from the scores.

    values: outputs of all steps, (N, ...). signal: (N, K), at the scores, or with the shape of the
    step that is the start. Concatenation, choice and order of channels, padding and flattening
    pass every number to where it came from; `rule` says it of every other operation, but for steps
    that have a rule of their own, by their number.
    """
    start = graph.output if start is None else start
    signals: dict[int, Tensor] = {start: signal}
    for number in range(start, to, -1):
        arrived = signals.pop(number, None)
        if arrived is None:
            continue
        step = graph.steps[number]
        inputs = [values[i] for i in step.inputs]
        passed = _moved(step.operation, inputs, arrived)
        if passed is None:
            its_rule = exceptions.get(number, rule)
            passed = its_rule(step.operation, inputs, values[number], arrived)
        for source, part in zip(step.inputs, passed, strict=True):
            signals[source] = signals[source] + part if source in signals else part
    return signals.get(to, torch.zeros_like(values[to]))


def _moved(
    operation: Operation, inputs: Sequence[Tensor], signal: Tensor
) -> Sequence[Tensor] | None:
    """Signals of the inputs of what only moves numbers; None for everything else."""
    match operation:
        case Concatenate():
            return signal.split([x.shape[1] for x in inputs], dim=1)
        case Channels(indices=indices):
            moved = torch.zeros_like(inputs[0])
            return [moved.index_add_(1, torch.tensor(indices, device=signal.device), signal)]
        case Pad(before=before):
            sides = zip(before, inputs[0].shape[2:], strict=True)
            for axis, (start, side) in enumerate(sides, 2):
                signal = signal.narrow(axis, start, side)
            return [signal]
        case Flatten():
            return [signal.reshape(inputs[0].shape)]
        case _:
            return None


def first_layer(graph: Graph) -> int:
    """Number of the step whose output the network's first layer takes: after preprocessing.

    Normalisation, and the order of channels, come before what a network learned, so relevance is
    that of the normalised image.
    """
    number = 0
    while True:
        users = [n for n, step in enumerate(graph.steps) if number in step.inputs]
        if len(users) != 1 or not isinstance(graph.steps[users[0]].operation, Affine | Channels):
            return number
        number = users[0]


def class_maps(graph: Graph) -> int:
    """Number of the step with a map for every class, whose means are the scores; or the scores'."""
    number = graph.output
    while isinstance(graph.steps[number].operation, AdaptiveAverage | AveragePool | Flatten):
        (number,) = graph.steps[number].inputs
    classes = graph.steps[graph.output].shape[0]
    return number if graph.steps[number].shape[0] == classes else graph.output


def layers_of_pixels(graph: Graph) -> list[int]:
    """Numbers of the convolutions and linear maps that take pixels, not what another one found."""
    are_pixels: list[bool] = []
    found = []
    for number, step in enumerate(graph.steps):
        is_learned = isinstance(step.operation, Convolution | Linear)
        takes_pixels = all(are_pixels[i] for i in step.inputs)
        if is_learned and takes_pixels:
            found.append(number)
        are_pixels.append(takes_pixels and isinstance(step.operation, _KEEP_PIXELS))
    return found


_KEEP_PIXELS = (
    Input | Affine | Channels | Concatenate | Pad | Flatten | AveragePool | AdaptiveAverage
)
"""What leaves pixels, or means of them, which lie in a box as well."""


def transposed(operation: Operation, inputs: Sequence[Tensor], signal: Tensor) -> list[Tensor]:
    """Signals of the inputs by the derivative of the operation at them."""
    leaves = [x.detach().requires_grad_() for x in inputs]
    with torch.enable_grad():
        output = operation.run(leaves)
        return list(torch.autograd.grad(output, leaves, signal))
