"""Windows of one image on their way through a plan."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from prediction_difference.attribution.engines.changes import Change, moved, region
from prediction_difference.attribution.engines.passing import Passing, passing
from prediction_difference.attribution.engines.plan import Plan
from prediction_difference.attribution.engines.rectangles import Rectangles
from prediction_difference.attribution.engines.sampled import (
    layer_values,
    places_by_layer,
    values_of,
)
from prediction_difference.attribution.nodes import Node
from prediction_difference.classifiers.graph import NotFollowedError


class Passage:
    """What a plan keeps of an image, and the way of its windows' changes.

    image: (C, *spatial). outputs: of the plan's steps for it, (1, C, *spatial).

    Raises:
        NotFollowedError: they are not finite, so that changes of them have no value.
    """

    def __init__(self, plan: Plan, image: Tensor):
        self.plan = plan
        self.outputs = plan.graph.run(image[None])
        if not all(bool(output.isfinite().all()) for output in self.outputs):
            raise NotFollowedError("it has infinite or undefined activations inside")
        bases = [output[0].movedim(0, -1).contiguous() for output in self.outputs]
        self._image = bases[0]
        self._ways: dict[int, Passing] = {
            number: passing(step, [bases[i] for i in step.inputs], plan.dtype, weights)
            for number, step in enumerate(plan.graph.steps)
            if step.inputs
            for weights in [plan.weights.get(number)]
        }

    def values(self, steps: Mapping[str | None, int], nodes: Sequence[Node]) -> Tensor:
        """(nodes,) float64 of the image, as the plan's steps give them.

        steps: of each layer; None: of the class scores.
        """
        scores = self.outputs[steps[None]] if None in steps else self.outputs[0].new_empty(1, 0)
        places = places_by_layer(nodes)
        layers = {
            layer: layer_values(self.outputs[number], [nodes[place] for place in places[layer]])
            for layer, number in steps.items()
            if layer is not None
        }
        return values_of(nodes, scores, layers)[0]

    def scale(self, steps: Mapping[str | None, int], nodes: Sequence[Node]) -> Tensor:
        """(nodes,) float64 largest value of what each node is part of."""
        largest = [self.outputs[steps[node.layer]].abs().max().double() for node in nodes]
        return torch.stack(largest)

    def batches(self, corners: np.ndarray, windows: int) -> list[np.ndarray]:
        """(n, d) corners -> which of them run together: of one group, at most `windows`.

        Neighbours are such that lie alike on the grids of as many steps as possible.
        """
        geometry, strides = self.plan.geometry, self.plan.strides

        def group(window: int) -> tuple[int, ...]:
            return geometry.group_of(corners[window])

        def place(window: int) -> tuple[object, ...]:
            corner = corners[window].tolist()
            return group(window), [[at % stride for at in corner] for stride in strides], corner

        parts: list[np.ndarray] = []
        for _, members in groupby(sorted(range(len(corners)), key=place), key=group):
            together = np.array(list(members))
            parts.extend(np.array_split(together, -(-len(together) // windows)))
        return parts

    def early(self, corners: np.ndarray, contents: Tensor) -> dict[int, Change]:
        """(n, d) corners of one group, (n, S, C, *window) -> what the plan hands on."""
        plan = self.plan
        group = plan.geometry.group_of(corners[0])
        rectangles = plan.geometry.rectangles(corners, group)
        window = contents.movedim(2, -1) - region(self._image, rectangles[0])
        changes = {0: Change(window, rectangles[0])}
        waiting = self._uses()
        for number, step in enumerate(plan.graph.steps):
            if number in plan.late or not step.inputs:
                continue
            at = rectangles[number]
            changes[number] = Change(self._pass(number, at, changes, waiting), at)
        return {number: changes[number] for number in plan.handed}

    def late(self, batches: Sequence[Mapping[int, Change]]) -> dict[int, Change]:
        """What was handed on of some batches -> the late steps' changes of all their windows."""
        plan = self.plan
        used = plan.used_late
        changes = {n: _joined([batch[n] for batch in batches]) for n in used}
        waiting = self._uses()
        at = Rectangles(((),) * sum(len(batch[used[0]].at.starts) for batch in batches), ())
        for number in sorted(plan.late):
            changes[number] = Change(self._pass(number, at, changes, waiting), at)
        return changes

    def _uses(self) -> list[int]:
        """How many want each step's change: those behind it, and whoever asked for it."""
        uses = [len(users) for users in self.plan.users]
        for number in [*self.plan.numbers.values(), *self.plan.handed]:
            uses[number] += 1
        return uses

    def _pass(
        self, number: int, at: Rectangles, changes: dict[int, Change], waiting: list[int]
    ) -> Tensor:
        sources = self.plan.graph.steps[number].inputs
        for source in set(sources):
            waiting[source] -= 1
        may_overwrite = not any(waiting[source] for source in sources)
        inputs = [changes[source] for source in sources]
        for source in set(sources):
            if not waiting[source]:
                del changes[source]
        return self._ways[number](inputs, at, may_overwrite)


def _joined(changes: Sequence[Change]) -> Change:
    """Changes of several batches as one, in the smallest rectangle that holds them all."""
    starts = np.array([start for change in changes for start in change.at.starts])
    if starts.size == 0:
        values = torch.cat([change.values for change in changes])
        return Change(values, Rectangles(((),) * len(values), ()))
    low = starts.min(0)
    high = np.max(
        [np.max(np.array(c.at.starts) + np.array(c.at.sides), axis=0) for c in changes], axis=0
    )
    sides = tuple((high - low).tolist())
    first = changes[0].values
    values = first.new_zeros((len(starts), first.shape[1], *sides, first.shape[-1]))
    end = 0
    for change in changes:
        begin, end = end, end + len(change.at.starts)
        at = Rectangles((tuple(low.tolist()),) * (end - begin), sides)
        moved(change, at, out=values[begin:end])
    return Change(values, Rectangles((tuple(low.tolist()),) * len(starts), sides))
