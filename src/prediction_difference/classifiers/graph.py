"""A torch module as a graph of typed operations: what engines look into.

A module is traced once, for images of one shape. `operations` says what can stand in a graph, and
`rules` which calls of the traced program become which operations.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from prediction_difference.classifiers.operations import (
    Affine,
    Convolution,
    Flatten,
    Linear,
    Operation,
)
from prediction_difference.classifiers.steps import NotFollowedError, Step
from prediction_difference.classifiers.translation import translated

__all__ = ["Graph", "NotFollowedError", "Step", "follow"]


@dataclass(frozen=True, eq=False)
class Graph:
    """The steps of a network in the order in which they run; the first is the image.

    output: number of the step that gives the class scores. layers: number of the step that gives
    the output of a layer, for every layer by its name in the module.
    """

    steps: tuple[Step, ...]
    output: int
    layers: Mapping[str, int]

    def run(self, image: Tensor) -> list[Tensor]:
        """(N, C, *spatial) -> the outputs of all steps, in order."""
        values: list[Tensor] = []
        for step in self.steps:
            inputs = [values[i] for i in step.inputs] or [image]
            values.append(step.operation.run(inputs))
        return values

    def reduced(self, wanted: Sequence[int]) -> tuple["Graph", dict[int, int]]:
        """What gives the outputs of the wanted steps, in fewer steps.

        Steps that they do not need are left out, and normalisations become part of the
        convolution or linear map before them, as flattening of the linear map behind it. Returns
        the new numbers of all steps that are needed too; joined ones have the same.
        """
        users = self._users(self._needed(wanted))
        steps: list[Step] = []
        numbers: dict[int, int] = {}
        for number in sorted(users):
            step = self.steps[number]
            source = step.inputs[0] if step.inputs else number
            if source not in wanted and users[source] == [number]:
                before = steps[numbers[source]]
                shapes = [steps[i].shape for i in before.inputs]
                joined = _joined(before.operation, step.operation, shapes)
                if joined is not None:
                    numbers[number] = numbers[source]
                    steps[numbers[source]] = replace(before, operation=joined, shape=step.shape)
                    continue
            numbers[number] = len(steps)
            steps.append(replace(step, inputs=tuple(numbers[i] for i in step.inputs)))
        layers = {name: numbers[i] for name, i in self.layers.items() if i in wanted}
        output = numbers.get(self.output, -1) if self.output in wanted else -1
        return Graph(tuple(steps), output, layers), numbers

    def _needed(self, wanted: Sequence[int]) -> set[int]:
        needed: set[int] = set()
        waiting = list(wanted)
        while waiting:
            number = waiting.pop()
            if number not in needed:
                needed.add(number)
                waiting.extend(self.steps[number].inputs)
        return needed

    def _users(self, needed: set[int]) -> dict[int, list[int]]:
        users: dict[int, list[int]] = {number: [] for number in needed}
        for number in sorted(needed):
            for source in self.steps[number].inputs:
                users[source].append(number)
        return users


def _joined(
    first: Operation, second: Operation, shapes: Sequence[tuple[int, ...]]
) -> Operation | None:
    """Two operations as one: a linear map and a scaling, or flattening and a linear map.

    shapes: of the inputs of the first, without the batch.
    """
    if isinstance(first, Flatten) and isinstance(second, Linear):
        return replace(second, weight=second.weight.unflatten(1, shapes[0]))
    if isinstance(first, Convolution | Linear) and isinstance(second, Affine):
        return _scaled(first, second)
    return None


def _scaled(first: Convolution | Linear, second: Affine) -> Operation | None:
    """A linear map whose outputs are scaled and shifted, where the shift is no map."""
    if second.shift[0].numel() > 1:
        return None
    outputs = first.weight.shape[0]
    scale = second.scale.flatten().expand(outputs)
    shift = second.shift.flatten().expand(outputs)
    weight = first.weight * scale.view(-1, *(1,) * (first.weight.ndim - 1))
    bias = shift if first.bias is None else first.bias * scale + shift
    return replace(first, weight=weight, bias=bias)


def follow(module: nn.Module, image: Tensor) -> Graph:
    """Trace a module in evaluation mode for images like this one, (C, *spatial).

    The graph has the module's own weights, and gives its outputs for every number of images.

    Raises:
        NotFollowedError: the module does something that is no `Operation`; says what.
    """
    # Two images, since an axis of length one would be taken for granted.
    example = (torch.zeros((2, *image.shape), dtype=image.dtype, device=image.device),)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(module, example, strict=False)
            steps, output, layers = translated(program)
        except NotFollowedError:
            raise
        except Exception as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise NotFollowedError(f"it cannot be traced ({reason[0]})") from error
    return Graph(steps, output, layers)
