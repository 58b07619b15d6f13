"""Exact recomputation of only what a window changes."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from prediction_difference.attribution.engines.changes import Change, moved
from prediction_difference.attribution.engines.dense import (
    DenseEngine,
    DenseImage,
    placed,
)
from prediction_difference.attribution.engines.layers import find_layer, multiply_accumulates
from prediction_difference.attribution.engines.passage import Passage
from prediction_difference.attribution.engines.plan import SPEED, Options, Plan
from prediction_difference.attribution.engines.protocol import Expectation, Prepared
from prediction_difference.attribution.engines.rectangles import Rectangles
from prediction_difference.attribution.engines.sampled import (
    check_scores,
    in_memory,
    places_by_layer,
    sampled_expectation,
    values_of,
)
from prediction_difference.attribution.nodes import Node
from prediction_difference.choices import Precision
from prediction_difference.classifiers.graph import Graph, NotFollowedError, follow
from prediction_difference.errors import DataError
from prediction_difference.priors.draws import Sampler, draw
from prediction_difference.progress import say

if TYPE_CHECKING:
    from torch import nn

__all__ = ["IncrementalEngine", "Options"]

_IMAGES = {"cpu": 80, "cuda": 2560}
"""Images at a time: on CPUs, few enough for the caches."""
_JOINED = 50
"""Batches for which linear maps run at once."""
_PLANS = 2
"""Kept of a network, since each has weights of its own."""
_TRACING = 30.0
"""Seconds of whole passes from which it is worth to trace a network, which takes some."""
_DRAWS = 10
"""Of a window, usually."""
_TOLERANCE = 1e-3
"""Of the largest value: how far the graph may be from the module that it was traced from."""
_TOLERANCE_OF_CHANGE = 0.5
"""In low precision, of the largest change too."""
_FAILURES = (RuntimeError, TypeError, ValueError, LookupError, DataError)
"""What a graph that was not understood may raise when it runs."""


class IncrementalEngine:
    """Follows what a window changes through the network's graph, and recomputes nothing else.

    Where the network cannot be followed it runs it whole for every draw, and says so once.

    batch_size: images at a time; None: what suits the device. window: run the network whole, too,
    if that is faster for windows of this side; None: never.
    """

    def __init__(
        self,
        module: "nn.Module",
        device: str = "cpu",
        batch_size: int | None = None,
        precision: Precision = "float32",
        window: int | None = None,
        options: Options | None = None,
    ):
        self._module = placed(module, device, torch.float32)
        self._dense = DenseEngine(module, device, batch_size, "float32")
        self._whole = self._dense
        if precision != "float32":
            self._whole = DenseEngine(module, device, batch_size, precision)
        self._dtype = getattr(torch, precision)
        self._options = options or Options()
        self._images = batch_size or self._options.images or _IMAGES[device.split(":")[0]]
        self._window = window
        self._networks: dict[tuple[int, ...], FollowedNetwork | None] = {}
        self._weights = self._fingerprint()

    def prepare(self, image: np.ndarray) -> Prepared:
        """(C, *spatial) -> the image, run once and ready for its windows; see `Engine`.

        Notes: tracing takes seconds, so networks too small for it to pay are not traced.
        """
        weights = self._fingerprint()
        if weights != self._weights:
            self._networks.clear()
            self._weights = weights
        shape = tuple(image.shape)
        if shape in self._networks and self._networks[shape] is None:
            return self._whole.prepare(image)
        dense = self._dense.prepare(image)
        if shape not in self._networks:
            self._networks[shape] = self._followed(dense.image)
        network = self._networks[shape]
        if network is None:
            return self._whole.prepare(image)
        return IncrementalImage(
            network, dense, lambda: self._whole.prepare(image), self._images, self._options.joins
        )

    def _fingerprint(self) -> list[tuple[int, float]]:
        """Other after the module's weights were changed: what is kept of them is then too old."""
        tensors = [*self._module.parameters(), *self._module.buffers()]
        with torch.inference_mode():
            return [(t.data_ptr(), float(t.sum())) for t in tensors]

    def _followed(self, image: Tensor) -> "FollowedNetwork | None":
        if self._window is not None and self._is_too_small(image, self._window):
            return None
        try:
            graph = follow(self._module, image)
        except NotFollowedError as error:
            _say_why(str(error))
            return None
        network = FollowedNetwork(self._module, graph, self._dtype, self._options)
        if self._window is None:
            return network
        plan, _ = network.plan([Node.score(0)], self._window)
        return network if plan.pays(self._images) else None

    def _is_too_small(self, image: Tensor, window: int) -> bool:
        """Whether whole passes for all windows take less time than tracing; or there is none."""
        windows = math.prod(max(0, side - window + 1) for side in image.shape[1:])
        products = multiply_accumulates(self._module, image.cpu().numpy())
        seconds = windows * _DRAWS * sum(products) / SPEED
        return windows == 0 or (bool(products) and seconds < _TRACING)


@cache
def _say_why(reason: str) -> None:
    """Once for every reason, however many images there are."""
    say(f"running the network whole for every draw: {reason}")


class FollowedNetwork:
    """A module, its graph for images of one shape, and the plans last made for it."""

    def __init__(self, module: "nn.Module", graph: Graph, dtype: torch.dtype, options: Options):
        self._module = module
        self._graph = graph
        self._options = options
        self._plans: dict[tuple[tuple[int, ...], int], Plan] = {}
        self.dtype = dtype

    def plan(self, nodes: Sequence[Node], window: int) -> tuple[Plan, dict[str | None, int]]:
        """What is recomputed for nodes, and in it the step of every layer; None: of the scores.

        Raises:
            NotFollowedError: a layer is nowhere in the graph.
            DataError: the module has no such layer.
        """
        steps = {
            layer: self._graph.output if layer is None else self._step_of(layer)
            for layer in places_by_layer(nodes)
        }
        key = (tuple(sorted(set(steps.values()))), window)
        if key not in self._plans:
            for old in list(self._plans)[: 1 - _PLANS]:
                del self._plans[old]
            self._plans[key] = Plan(self._graph, key[0], window, self.dtype, self._options)
        plan = self._plans[key]
        return plan, {layer: plan.numbers[number] for layer, number in steps.items()}

    def _step_of(self, layer: str) -> int:
        """Where a layer is used several times, its last output counts."""
        wanted = find_layer(self._module, layer)
        names = [n for n, m in self._module.named_modules(remove_duplicate=False) if m is wanted]
        steps = [self._graph.layers[name] for name in names if name in self._graph.layers]
        if not steps:
            raise NotFollowedError(f"layer {layer!r} is none of the steps that are followed")
        return max(steps)


class IncrementalImage:
    """An image, and the passages of its windows: one for each set of outputs that nodes need.

    whole: prepares the image for whole forward passes, where the graph does not serve.
    """

    def __init__(
        self,
        network: FollowedNetwork,
        dense: DenseImage,
        whole: Callable[[], DenseImage],
        images: int,
        joins: bool,
    ):
        self._network = network
        self._dense = dense
        self._prepare_whole = whole
        self._images = images
        self._joins = joins
        self._passages: dict[Plan, Passage] = {}
        self._is_followed: dict[tuple[Node, ...], bool] = {}
        self._values: dict[tuple[Node, ...], np.ndarray] = {}

    @cached_property
    def _whole(self) -> DenseImage:
        return self._prepare_whole()

    @property
    def scores(self) -> np.ndarray:
        """(K,) class scores."""
        return self._dense.scores

    def values(self, nodes: Sequence[Node]) -> np.ndarray:
        """(nodes,) of the image as it is."""
        key = tuple(nodes)
        if key not in self._values:
            self._values[key] = self._dense.values(nodes)
        return self._values[key]

    def expectation(
        self,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """Follow what every draw changes; see `Prepared`."""
        if tuple(nodes) not in self._is_followed:
            some = corners[np.linspace(0, len(corners) - 1, min(len(corners), 4)).astype(int)]
            with torch.inference_mode():
                places = torch.as_tensor(some, device=self._dense.image.device)
                contents = draw(sampler, self._dense.image, places, min(samples, 2), seed)
                self._is_followed[tuple(nodes)] = self._follows(places, contents, nodes)
        if not self._is_followed[tuple(nodes)]:
            return self._whole.expectation(corners, sampler, samples, seed, nodes)
        return sampled_expectation(
            self._dense.image, self._outcomes, corners, sampler, samples, seed, nodes
        )

    def _follows(self, corners: Tensor, contents: Tensor, nodes: Sequence[Node]) -> bool:
        """Whether the graph gives what the module does for the image and some draws."""
        # Scores in place of probabilities, which may be near zero whatever the scores are.
        checked = [Node.score(n.index) if n.kind == "probability" else n for n in nodes]
        expected = self._dense.outcomes(corners, contents, checked)
        values = torch.from_numpy(self.values(checked)).to(expected)
        try:
            passage, steps = self._passage(checked, contents.shape[-1])
            found = self._outcomes(corners, contents, checked)
            base = passage.values(steps, checked)
            scale = passage.scale(steps, checked)
        except NotFollowedError as error:
            _say_why(str(error))
            return False
        except _FAILURES as error:
            _say_why(f"the followed steps do not run ({str(error).splitlines()[0]})")
            return False
        # Of the draws too: the image itself may be where all is zero.
        tolerance = _TOLERANCE * torch.maximum(scale, expected.abs().amax((0, 1)))
        is_equal = bool(((base - values).abs() <= tolerance).all())
        if self._network.dtype != torch.float32:
            tolerance = tolerance + _TOLERANCE_OF_CHANGE * (expected - values).abs().amax((0, 1))
        if not is_equal or not bool(((found - expected).abs() <= tolerance).all()):
            _say_why("the followed steps give other values than the network")
            return False
        return True

    def _passage(self, nodes: Sequence[Node], window: int) -> tuple[Passage, dict[str | None, int]]:
        plan, steps = self._network.plan(nodes, window)
        if plan not in self._passages:
            self._passages[plan] = Passage(plan, self._dense.image)
        return self._passages[plan], steps

    def _outcomes(self, corners: Tensor, contents: Tensor, nodes: Sequence[Node]) -> Tensor:
        """See `sampled.Outcomes`."""

        def run(images: int) -> Tensor:
            parts = [
                self._batch_outcomes(corners, p, nodes, images) for p in contents.split(images, 1)
            ]
            return torch.cat(parts, 1)

        values, self._images = in_memory(run, self._images)
        return values

    def _batch_outcomes(
        self, corners: Tensor, contents: Tensor, nodes: Sequence[Node], images: int
    ) -> Tensor:
        """As `_outcomes`, `images` at a time, for no more samples than that."""
        passage, steps = self._passage(nodes, contents.shape[-1])
        samples = contents.shape[1]
        hosted = corners.cpu().numpy()
        batches = passage.batches(hosted, images // samples)
        together = _JOINED if self._joins else 1
        outputs = [
            self._outputs(
                passage, steps, nodes, hosted, contents, batches[first : first + together]
            )
            for first in range(0, len(batches), together)
        ]
        count = len(hosted) * samples
        scores = self._score_row.expand(count, -1)
        if None in steps:
            scores = torch.cat([o[None] for o in outputs])
        layers = {name: torch.cat([o[name] for o in outputs]) for name in steps if name}
        values = values_of(nodes, check_scores(scores), layers).unflatten(0, (-1, samples))
        back = torch.from_numpy(np.argsort(np.concatenate(batches))).to(values.device)
        return values[back]

    @cached_property
    def _score_row(self) -> Tensor:
        """(1, K) class scores, on the image's device."""
        return torch.from_numpy(self.scores).to(self._dense.image.device)[None]

    def _outputs(
        self,
        passage: Passage,
        steps: Mapping[str | None, int],
        nodes: Sequence[Node],
        corners: np.ndarray,
        contents: Tensor,
        batches: Sequence[np.ndarray],
    ) -> dict[str | None, Tensor]:
        """(n, d) corners, (n, S, C, *window) contents, which run together -> (windows * S, ..).

        Class scores, and values of each layer's nodes in their order; all float64.
        """
        places = places_by_layer(nodes)

        def reduced(layer: str | None, change: Change) -> Tensor:
            if layer is None:
                return self._score_row + change.values.flatten(0, 1).double()
            mine = [nodes[place] for place in places[layer]]
            # As the module gives them, so that no change leaves them the same to the last bit.
            base = torch.from_numpy(self.values(nodes)[places[layer]]).to(change.values.device)
            return base + changed_values(change, passage.outputs[steps[layer]].shape, mine)

        late = passage.plan.late
        early = {layer: step for layer, step in steps.items() if step not in late}
        found: dict[str | None, list[Tensor]] = {layer: [] for layer in steps}
        handed = []
        for batch in batches:
            changes = passage.early(corners[batch], contents[batch])
            for layer, step in early.items():
                found[layer].append(reduced(layer, changes[step]))
            handed.append({step: changes[step] for step in passage.plan.used_late})
        if late:
            changes = passage.late(handed)
            for layer in steps.keys() - early.keys():
                found[layer].append(reduced(layer, changes[steps[layer]]))
        return {layer: torch.cat(parts) for layer, parts in found.items()}


def changed_values(change: Change, shape: Sequence[int], nodes: Sequence[Node]) -> Tensor:
    """What a change of a layer's output (N, units, *spatial) makes of its nodes' values.

    Returns (windows * S, nodes) float64.
    """
    windows, samples = change.values.shape[:2]
    spatial = tuple(shape[2:])
    values = torch.empty(windows, samples, len(nodes), dtype=torch.float64)
    values = values.to(change.values.device)
    maps = [place for place, node in enumerate(nodes) if node.kind == "feature_map"]
    if maps:
        axes = tuple(range(2, 2 + len(spatial)))
        total = change.values.float()
        if axes:
            total = total.sum(axes) / math.prod(spatial)
        values[:, :, maps] = total[:, :, [nodes[place].index for place in maps]].double()
    for place, node in enumerate(nodes):
        if node.kind == "unit":
            at = Rectangles((tuple(node.position),) * windows, (1,) * len(spatial))
            there = moved(change, at)[..., node.index]
            values[:, :, place] = there.flatten(1).double()
    return values.flatten(0, 1)
