"""The steps of a network while they are found one after another."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from prediction_difference.classifiers.operations import Operation


class NotFollowedError(Exception):
    """A network does something that a graph has no operation for; the message says what."""


class CannotError(Exception):
    """A rule is not for a call like this one; the message says what it does, after its name."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operation. inputs: numbers of earlier steps. shape: of the output, without the batch."""

    operation: Operation
    inputs: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Flow:
    """A value that depends on the image: the output of a step."""

    number: int


@dataclass(frozen=True)
class OneChannel:
    """A single channel without its axis, (N, *spatial)."""

    number: int


class Steps:
    """The steps so far.

    shape: of the output of the call that is translated, without the batch. is_alike: whether that
    has numbers of the image's kind. device, dtype: of the image.
    """

    def __init__(self) -> None:
        self.found: list[Step] = []
        self.shape: tuple[int, ...] = ()
        self.is_alike = True
        self.device: torch.device | None = None
        self.dtype: torch.dtype = torch.float32

    def shape_of(self, flow: Flow) -> tuple[int, ...]:
        """Of a value, without the batch."""
        return self.found[flow.number].shape

    def add(self, operation: Operation, *inputs: Flow, shape: Sequence[int] | None = None) -> Flow:
        """A new step; its output has the shape of the translated call's, or `shape`."""
        numbers = tuple(flow.number for flow in inputs)
        self.found.append(Step(operation, numbers, self.shape if shape is None else tuple(shape)))
        return Flow(len(self.found) - 1)
