"""Exact recomputation of chains: images of which each differs from the one before in a region.

All links of a chain are known beforehand, so every step of the network is computed for all of them
before the next step is: of each link what its region reaches, and links that reach as far together.
What lies around a link's rectangle is what the links before it left there. To know it, they are
written one after another into the step's output for the image that the chain begins with.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from prediction_difference.attribution.engines.chain_layout import (
    Layout,
    Part,
    layouts,
    regions_geometry,
)
from prediction_difference.attribution.engines.changes import region
from prediction_difference.attribution.engines.kernels import Kernel
from prediction_difference.attribution.engines.passing import read, under_kernel
from prediction_difference.attribution.engines.plan import SPEED
from prediction_difference.attribution.engines.rectangles import Rectangles, multiplications
from prediction_difference.classifiers.graph import Graph, Step
from prediction_difference.classifiers.operations import (
    Affine,
    AveragePool,
    Channels,
    Concatenate,
    Convolution,
    Flatten,
    Linear,
    MaxPool,
    Operation,
    Pad,
    Rectifier,
)

_LINKS = 200
"""Of a stretch of a chain, at most; the next one begins with an image of its own."""
_IMAGES = 300
"""Links of all chains at a time."""
_START = 80e-6
"""Seconds that the call of a step takes, however few images there are; see `plan`."""
_WRITING = 20e-6
"""Seconds to write a link into a step's output and to read what is around it."""
_EXACT = Rectifier | MaxPool | Concatenate | Channels | Pad | Flatten
"""What rounds no number."""


class Chains:
    """Runs chains of regions of one side through a network that was followed.

    graph: of the network. dtype: of weights and activations.
    """

    def __init__(self, graph: Graph, side: int, dtype: torch.dtype):
        self._graph, _ = graph.reduced((graph.output,))
        self._side = side
        self._dtype = dtype
        self._geometry = regions_geometry(self._graph, side)
        self._kernels = {
            number: Kernel(step.operation, dtype)
            for number, step in enumerate(self._graph.steps)
            if isinstance(step.operation, Convolution)
        }
        self._maps = {
            number: _places_first(step.operation.weight).to(dtype)
            for number, step in enumerate(self._graph.steps)
            if isinstance(step.operation, Linear)
        }

    def scores(self, image: Tensor, corners: np.ndarray, contents: Tensor) -> Tensor:
        """Class scores of an image (C, *spatial) as it is and after every link of some chains.

        corners: (L, d) first pixels of the regions, on a grid of their side; the same in all
        chains. contents: (chains, L, C, *region) what they become. Returns (chains, L + 1, K)
        float32.
        """
        together = max(1, _IMAGES // max(1, min(len(corners), _LINKS)))
        some = contents.split(together)
        return torch.cat([self._chains_scores(image, corners, part) for part in some])

    def _chains_scores(self, image: Tensor, corners: np.ndarray, contents: Tensor) -> Tensor:
        images = image.expand(len(contents), *image.shape).clone()
        found = []
        for start in range(0, len(corners), _LINKS):
            stretch = slice(start, start + _LINKS)
            first, rest = self._stretch(images, corners[stretch], contents[:, stretch])
            found += [rest] if start else [first[:, None], rest]
            for corner, content in zip(
                corners[stretch], contents[:, stretch].unbind(1), strict=True
            ):
                place: tuple[slice, ...] = _slices(corner, content.shape[2:])
                images[(slice(None), slice(None), *place)] = content
        return torch.cat(found, 1)

    def _stretch(
        self, images: Tensor, corners: np.ndarray, contents: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Scores (chains, K) of the images that it begins with, and (chains, L, K) of its links."""
        steps = self._graph.steps
        places = layouts(self._graph, self._geometry, corners // self._side)
        bases = self._whole_outputs(images)
        by_link = contents.movedim(2, -1).transpose(0, 1)
        held = {0: [by_link[list(part.links)] for part in places[0]]}
        waiting = [sum(n in step.inputs for step in steps) for n in range(len(steps))]
        for number, step in enumerate(steps):
            if not step.inputs:
                continue
            held[number] = self._links(number, places, bases, held)
            for source in set(step.inputs):
                waiting[source] -= 1
                if not waiting[source]:
                    del held[source]
        last = len(steps) - 1
        scores = held[last][0].new_empty(contents.shape[1], len(images), steps[last].shape[0])
        for part, values in zip(places[last], held[last], strict=True):
            scores[list(part.links)] = values
        return bases[last].float(), scores.transpose(0, 1).float()

    def _whole_outputs(self, images: Tensor) -> list[Tensor]:
        """(n, C, *spatial) images -> (n, *spatial, C) outputs of every step."""
        outputs: list[Tensor] = []
        for number, step in enumerate(self._graph.steps):
            inputs = [outputs[i] for i in step.inputs]
            outputs.append(self._whole(number, inputs) if inputs else images.movedim(1, -1))
        return outputs

    def _links(
        self,
        number: int,
        places: Sequence[Layout],
        bases: Sequence[Tensor],
        held: Mapping[int, Sequence[Tensor]],
    ) -> list[Tensor]:
        """(links, chains, *sides, C) outputs of a step, of the links of each part."""
        step, layout = self._graph.steps[number], places[number]
        empty = _beyond(step.operation)
        inputs = []
        for source in step.inputs:
            reads = [_read(step, part, self._graph.steps[source].shape[1:]) for part in layout]
            wanted = [(part.links, at) for part, at in zip(layout, reads, strict=True)]
            # Where links read what they wrote and no more, it can be taken as it is.
            if wanted == [(part.links, part.at) for part in places[source]]:
                inputs.append(held[source])
            else:
                inputs.append(_around(bases[source], places[source], held[source], wanted, empty))
        return [
            self._part(number, part, values) for part, *values in zip(layout, *inputs, strict=True)
        ]

    def _part(self, number: int, part: Part, inputs: Sequence[Tensor]) -> Tensor:
        flat = [values.flatten(0, 1) for values in inputs]
        run = self._whole(number, flat) if part.is_whole else None
        if run is None:
            run = self._inside(number, part.at, inputs[0].shape[1], flat)
        return run.unflatten(0, inputs[0].shape[:2])

    def _whole(self, number: int, inputs: Sequence[Tensor]) -> Tensor:
        """A step on whole outputs (n, *spatial, C)."""
        operation = self._graph.steps[number].operation
        if isinstance(operation, Convolution):
            images, padding = operation.padded(inputs[0].movedim(-1, 1))
            return self._convolved(number, operation, images.movedim(1, -1), padding)
        if isinstance(operation, Linear):
            rows = inputs[0].flatten(1).to(self._dtype) @ self._maps[number]
            return rows if operation.bias is None else rows + operation.bias.to(rows.dtype)
        return self._run(number, inputs)

    def _inside(self, number: int, at: Rectangles, chains: int, inputs: Sequence[Tensor]) -> Tensor:
        """A step in rectangles, on what it reads for them: (links * chains, *sides, C)."""
        operation = self._graph.steps[number].operation
        if isinstance(operation, Convolution):
            return self._convolved(number, operation, inputs[0], (0,) * len(operation.padding))
        if isinstance(operation, MaxPool):
            return under_kernel(inputs[0], operation, at.sides, torch.maximum)
        if isinstance(operation, AveragePool):
            sums = under_kernel(inputs[0].float(), operation, at.sides, torch.add)
            shares = operation.shares(self._inputs_shape(number)).to(sums)
            shares = region(shares[..., None], at)
            return (sums.unflatten(0, (-1, chains)) * shares).flatten(0, 1).to(self._dtype)
        if isinstance(operation, Affine) and operation.shift[0].numel() > 1:
            shift = region(operation.shift.movedim(0, -1).contiguous(), at)
            scaled = (inputs[0].float() * operation.scale.flatten()).unflatten(0, (-1, chains))
            return (scaled + shift).flatten(0, 1).to(self._dtype)
        if isinstance(operation, Pad):
            return inputs[0]
        return self._run(number, inputs)

    def _run(self, number: int, inputs: Sequence[Tensor]) -> Tensor:
        """Another step; what rounds is computed in float32."""
        operation = self._graph.steps[number].operation
        is_exact = isinstance(operation, _EXACT)
        images = [values.movedim(-1, 1) for values in inputs]
        found = operation.run(images if is_exact else [x.float() for x in images])
        return found.movedim(1, -1).to(self._dtype)

    def _convolved(
        self, number: int, operation: Convolution, values: Tensor, padding: tuple[int, ...]
    ) -> Tensor:
        found = self._kernels[number](values.movedim(-1, 1), padding).movedim(1, -1)
        return found if operation.bias is None else found.add_(operation.bias.to(found.dtype))

    def _inputs_shape(self, number: int) -> tuple[int, ...]:
        return self._graph.steps[self._graph.steps[number].inputs[0]].shape[1:]

    def pays(self, links: int) -> bool:
        """Whether chains of so many links are faster so than as whole passes.

        By the multiplications that are saved, and what starting the steps and writing the links
        costs; a rule and no measurement, so that values are computed in the same way every time.
        """
        whole = changed = 0.0
        reading = 0
        for number, step in enumerate(self._graph.steps):
            each = multiplications(step)
            whole += each * math.prod(step.shape[1:])
            changed += each * math.prod(self._geometry.mean_sides(number))
            reading += isinstance(step.operation, Convolution | MaxPool | AveragePool)
        links = min(links, _LINKS)
        images = links * max(1, _IMAGES // links)
        parts = math.prod(int(groups.max()) + 1 for groups in self._geometry.groups)
        around = len(self._graph.steps) * min(parts, links) * _START + reading * links * _WRITING
        return images * (whole - changed) / SPEED > around


def _places_first(weight: Tensor) -> Tensor:
    """(outputs, C, *spatial) weight of a linear map -> (spatial * C, outputs)."""
    return weight.movedim(0, -1).movedim(0, -2).flatten(0, -2).contiguous()


def _slices(start: Sequence[int], sides: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(s, s + side) for s, side in zip(start, sides, strict=True))


def _read(step: Step, part: Part, shape: tuple[int, ...]) -> Rectangles:
    """What links read of an input whose places are `shape`; rims of the map among it."""
    if part.is_whole:
        return Rectangles(((0,) * len(shape),) * len(part.links), shape)
    if isinstance(step.operation, Convolution | MaxPool | AveragePool):
        return read(part.at, step.operation)
    if isinstance(step.operation, Pad):
        starts = np.array(part.at.starts) - np.array(step.operation.before)
        return Rectangles(tuple(map(tuple, starts.tolist())), part.at.sides)
    return part.at


def _beyond(operation: Operation) -> float:
    """What an operation finds beyond the places of its input."""
    if isinstance(operation, Pad):
        return operation.value
    return -math.inf if isinstance(operation, MaxPool) else 0.0


def _around(
    base: Tensor,
    layout: Layout,
    written: Sequence[Tensor],
    wanted: Sequence[tuple[Sequence[int], Rectangles]],
    empty: float,
) -> list[Tensor]:
    """What links find in rectangles of a step's output, after they and those before are written.

    base: (chains, *spatial, C). layout, written: of the step. wanted: links and what they read.
    empty: what lies beyond the map. Returns (links, chains, *sides, C) for each of the wanted.
    """
    chains, *shape, channels = base.shape
    low, high = _rims([at for _, at in wanted], shape)
    pads = [pad for ends in zip(reversed(low), reversed(high), strict=True) for pad in ends]
    current = functional.pad(base.to(written[0].dtype), [0, 0, *pads], value=empty)
    found = [written[0].new_empty(len(n), chains, *at.sides, channels) for n, at in wanted]
    own = [(part.links, part.at) for part in layout]
    writes, reads = _by_link(own, written, low), _by_link(wanted, found, low)
    for (into, new), (place, out) in zip(writes, reads, strict=True):
        current[into] = new
        out.copy_(current[place])
    return found


def _by_link(
    parts: Sequence[tuple[Sequence[int], Rectangles]], values: Sequence[Tensor], low: Sequence[int]
) -> list[tuple[tuple[slice, ...], Tensor]]:
    """For every link, in order: its places in a map with rims of `low`, and its values."""
    found = {}
    for (links, at), mine in zip(parts, values, strict=True):
        for link, start, own in zip(links, at.starts, mine.unbind(0), strict=True):
            shifted = [s + rim for s, rim in zip(start, low, strict=True)]
            found[link] = ((slice(None), *_slices(shifted, at.sides)), own)
    return [found[link] for link in sorted(found)]


def _rims(reads: Sequence[Rectangles], shape: Sequence[int]) -> tuple[list[int], list[int]]:
    """How far rectangles reach beyond the first and beyond the last place of each axis."""
    starts = np.concatenate([np.array(at.starts) for at in reads])
    ends = np.concatenate([np.array(at.starts) + np.array(at.sides) for at in reads])
    low = np.maximum(0, -starts.min(0))
    high = np.maximum(0, ends.max(0) - np.array(shape))
    return low.tolist(), high.tolist()
