"""How far the change of a window reaches into a network: a rectangle in every step's output.

Along every axis a window at some position changes the places from a first to a last one, of which
every step makes others. Windows run together where their rectangles have the same sides: as long
as the longest of a group of positions, and never beyond the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prediction_difference.classifiers.graph import Graph, Step
from prediction_difference.classifiers.operations import (
    AdaptiveAverage,
    AveragePool,
    Convolution,
    Linear,
    MaxPool,
    Pad,
)


@dataclass(frozen=True, eq=False)
class Reach:
    """What windows change of an axis of a step's output.

    first, last: (positions,) of the window -> first and last changed place, both included.
    size: places that the axis has.
    """

    first: np.ndarray
    last: np.ndarray
    size: int

    @property
    def key(self) -> bytes:
        """The same for what reaches as far on an axis of the same size."""
        return np.concatenate([self.first, self.last, [self.size]]).tobytes()

    @property
    def lengths(self) -> np.ndarray:
        """(positions,) places that change."""
        return self.last - self.first + 1


def reaches(graph: Graph, window: int) -> list[tuple[Reach, ...]]:
    """Of every step, what windows of this side change of each axis; none of vectors.

    Steps in which windows reach as far share one and the same object.
    """
    found: list[tuple[Reach, ...]] = []
    distinct: dict[bytes, Reach] = {}
    for step in graph.steps:
        axes = range(len(step.shape) - 1)
        if not step.inputs:
            mine = [_of_windows(step.shape[axis + 1], window) for axis in axes]
        else:
            inputs = [found[number] for number in step.inputs]
            mine = [_after(step, axis, [i[axis] for i in inputs]) for axis in axes]
        found.append(tuple(distinct.setdefault(reach.key, reach) for reach in mine))
    return found


def _of_windows(size: int, window: int) -> Reach:
    first = np.arange(size - window + 1)
    return Reach(first, first + window - 1, size)


def _after(step: Step, axis: int, inputs: Sequence[Reach]) -> Reach:
    size = step.shape[axis + 1]
    first = np.minimum.reduce([reach.first for reach in inputs])
    last = np.maximum.reduce([reach.last for reach in inputs])
    operation = step.operation
    if isinstance(operation, AdaptiveAverage):
        return Reach(np.zeros_like(first), np.full_like(last, size - 1), size)
    if isinstance(operation, Pad):
        first, last = first + operation.before[axis], last + operation.before[axis]
    if isinstance(operation, Convolution | MaxPool | AveragePool):
        stride, padding = operation.stride[axis], operation.padding[axis]
        extent = operation.dilation[axis] * (operation.kernel[axis] - 1)
        first = -((extent - padding - first) // stride)
        last = (last + padding) // stride
    # Where strides leave places out, a window may change nothing: one place is taken all the same.
    first = first.clip(0, size - 1)
    return Reach(first, last.clip(first, size - 1), size)


def multiplications(step: Step) -> float:
    """Multiply-accumulates for one place of the output of a step; 1 for cheap steps."""
    operation = step.operation
    if isinstance(operation, Convolution):
        return float(operation.weight.numel())
    if isinstance(operation, Linear):
        return float(operation.weight.numel())
    return 1.0


def clusters(
    graph: Graph, reached: Sequence[tuple[Reach, ...]], axis: int, count: int
) -> np.ndarray:
    """(positions,) number of the group that each position of a window on an axis belongs to.

    At most `count` groups of similar lengths, such that padding all of a group to its longest
    costs least in all; found by dynamic programming over the positions in the order of cost.
    """
    steps = [i for i, axes in enumerate(reached) if axes]
    dimensions = len(reached[0])
    weights = np.array([multiplications(graph.steps[i]) for i in steps])
    lengths = np.stack([reached[i][axis].lengths for i in steps], axis=1).astype(float)
    order = np.argsort((lengths**dimensions) @ weights, kind="stable")
    costs = _costs(lengths[order], weights, dimensions)
    groups = np.empty(len(order), dtype=int)
    for number, (start, end) in enumerate(_cheapest_parts(costs, min(count, len(order)))):
        groups[order[start:end]] = number
    return groups


def _costs(lengths: np.ndarray, weights: np.ndarray, dimensions: int) -> np.ndarray:
    """(positions, positions + 1) cost of taking the ordered positions i to j together."""
    positions = len(lengths)
    costs = np.full((positions, positions + 1), np.inf)
    for start in range(positions):
        longest = np.maximum.accumulate(lengths[start:])
        each = ((longest**dimensions) @ weights) ** (1 / dimensions)
        costs[start, start + 1 :] = each * np.arange(1, positions - start + 1)
    return costs


def _cheapest_parts(costs: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The division of 0 to n into `count` stretches with the smallest sum of costs[i, j]."""
    positions = len(costs)
    best = np.full((count + 1, positions + 1), np.inf)
    best[0, 0] = 0
    cuts = np.zeros((count + 1, positions + 1), dtype=int)
    for part in range(1, count + 1):
        for end in range(1, positions + 1):
            totals = best[part - 1, :end] + costs[:end, end]
            cuts[part, end] = int(totals.argmin())
            best[part, end] = totals[cuts[part, end]]
    parts = []
    end = positions
    for part in range(count, 0, -1):
        start = int(cuts[part, end])
        parts.append((start, end))
        end = start
    return parts[::-1]


@dataclass(frozen=True)
class Rectangles:
    """Where the changes of some windows lie in the output of a step.

    starts: of each window, its first place along every axis. sides: the same for all.
    """

    starts: tuple[tuple[int, ...], ...]
    sides: tuple[int, ...]

    def of(self, windows: slice) -> "Rectangles":
        """Those of some of the windows."""
        return Rectangles(self.starts[windows], self.sides)


@dataclass(frozen=True, eq=False)
class Geometry:
    """Rectangles of every step, for windows of the same group of positions on every axis.

    groups: of each axis, (positions,) number of the group.
    """

    reached: Sequence[tuple[Reach, ...]]
    groups: tuple[np.ndarray, ...]

    def group_of(self, corner: Sequence[int]) -> tuple[int, ...]:
        """The group of a window by its corner: windows of the same one can run together."""
        return tuple(int(g[c]) for g, c in zip(self.groups, corner, strict=True))

    def sides(self, step: int, group: tuple[int, ...]) -> tuple[int, ...]:
        """Sides of the rectangles of a step for windows of a group."""
        return tuple(
            int(reach.lengths[groups == number].max())
            for reach, groups, number in zip(self.reached[step], self.groups, group, strict=False)
        )

    def mean_sides(self, step: int) -> tuple[float, ...]:
        """Sides of the rectangles of a step, on average over the positions of a window."""
        means = []
        for reach, groups in zip(self.reached[step], self.groups, strict=False):
            longest = [reach.lengths[groups == number].max() for number in range(groups.max() + 1)]
            means.append(float(np.array(longest)[groups].mean()))
        return tuple(means)

    def rectangles(self, corners: np.ndarray, group: tuple[int, ...]) -> list[Rectangles]:
        """(n, d) corners of windows of a group -> their rectangles in every step's output."""
        known: dict[tuple[Reach, ...], Rectangles] = {}
        for step, reached in enumerate(self.reached):
            if reached not in known:
                known[reached] = self._rectangles(step, corners, group)
        return [known[reached] for reached in self.reached]

    def _rectangles(self, step: int, corners: np.ndarray, group: tuple[int, ...]) -> Rectangles:
        sides = self.sides(step, group)
        starts = np.empty((len(corners), len(sides)), dtype=int)
        for axis, (reach, side) in enumerate(zip(self.reached[step], sides, strict=True)):
            starts[:, axis] = np.minimum(reach.first[corners[:, axis]], reach.size - side)
        return Rectangles(tuple(map(tuple, starts.tolist())), sides)
