"""What of a network is recomputed for which nodes, and in which order."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from prediction_difference.attribution.engines.kernels import Kernel
from prediction_difference.attribution.engines.rectangles import (
    Geometry,
    clusters,
    multiplications,
    reaches,
)
from prediction_difference.classifiers.graph import Graph
from prediction_difference.classifiers.operations import Convolution, Linear

SPEED = 150e9
"""Multiply-accumulates a second, about; two cores do more, one of a larger machine less."""
_START = 80e-6
"""Seconds more that a step of a plan takes than a layer in a whole pass, however few images."""


@dataclass(frozen=True)
class Options:
    """What makes the incremental engine fast; each can be switched off to see what it brings.

    clusters: groups that the positions of a window on an axis are divided into, each with
    rectangles of its own size. images: that run at once, as whole windows; None: what suits the
    device. packs: weights of convolutions are kept in the CPU library's own order. pads: zeros
    around a change are left to the convolution. transforms: convolutions of 3 x 3 in float32 take
    fewer multiplications where that is faster. joins: linear maps run once for a row of windows.
    """

    clusters: int = 12
    images: int | None = None
    packs: bool = True
    pads: bool = True
    transforms: bool = True
    joins: bool = True


class Plan:
    """The steps that some outputs of a network need, and where windows of one side reach.

    graph: the needed steps. numbers: of the wanted steps, old -> new. late: steps that are
    a linear map or behind one, for many windows at once. used_late: the other steps whose outputs
    those take. handed: these, and the other steps that are wanted.
    """

    def __init__(
        self,
        network: Graph,
        wanted: Collection[int],
        window: int,
        dtype: torch.dtype,
        options: Options,
    ):
        self.graph, numbers = network.reduced(tuple(wanted))
        self.numbers = {number: numbers[number] for number in wanted}
        self.window = window
        self.dtype = dtype
        reached = reaches(self.graph, window)
        axes = range(len(self.graph.steps[0].shape) - 1)
        groups = (clusters(self.graph, reached, axis, options.clusters) for axis in axes)
        self.geometry = Geometry(reached, tuple(groups))
        self.late = self._late()
        early = [n for n in range(len(self.graph.steps)) if n not in self.late]
        self.used_late = [n for n in early if self.users[n] & self.late]
        self.handed = sorted({n for n in self.numbers.values() if n in early} | {*self.used_late})
        self._options = options

    @cached_property
    def weights(self) -> dict[int, Kernel | Tensor]:
        """Of convolutions and linear maps, in the order in which they are read."""
        return {
            number: self._prepared(step.operation)
            for number, step in enumerate(self.graph.steps)
            if isinstance(step.operation, Convolution | Linear)
        }

    @cached_property
    def users(self) -> list[set[int]]:
        """Of every step, the steps that take its output."""
        users: list[set[int]] = [set() for _ in self.graph.steps]
        for number, step in enumerate(self.graph.steps):
            for source in step.inputs:
                users[source].add(number)
        return users

    def _late(self) -> set[int]:
        late: set[int] = set()
        for number, step in enumerate(self.graph.steps):
            if isinstance(step.operation, Linear) or late.intersection(step.inputs):
                late.add(number)
        return late

    def _prepared(self, operation: Convolution | Linear) -> Kernel | Tensor:
        if isinstance(operation, Convolution):
            options = self._options
            return Kernel(operation, self.dtype, options.pads, options.packs, options.transforms)
        places_first = operation.weight.to(self.dtype).movedim(1, -1).movedim(0, -1)
        return places_first.contiguous()

    @cached_property
    def strides(self) -> list[int]:
        """Distances in the image, in ascending order, between neighbours in later steps."""
        strides = [1] * len(self.graph.steps)
        for number, step in enumerate(self.graph.steps):
            own = max(getattr(step.operation, "stride", (1,)))
            strides[number] = own * max((strides[i] for i in step.inputs), default=1)
        return sorted(set(strides))

    def cost(self) -> tuple[float, float]:
        """Multiply-accumulates for an image: of a whole forward pass, and of what changes.

        The latter is the mean over all positions of a window, as rectangles are padded.
        """
        whole = changed = 0.0
        for number, step in enumerate(self.graph.steps):
            each = multiplications(step)
            whole += each * math.prod(step.shape[1:])
            changed += each * math.prod(self.geometry.mean_sides(number))
        return whole, changed

    def pays(self, images: int) -> bool:
        """Whether recomputing what changes is faster than whole passes, `images` at a time.

        By the multiplications that are saved and what starting the steps costs; a rule and no
        measurement, so that a map is computed in the same way every time.
        """
        whole, changed = self.cost()
        return images * (whole - changed) / SPEED > len(self.graph.steps) * _START
