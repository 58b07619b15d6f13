"""Exact recomputation of only what a window changes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from prediction_difference.attribution.engines.changes import Change, moved
from prediction_difference.attribution.engines.dense import (
    DenseEngine,
    DenseImage,
    Precision,
    placed,
)
from prediction_difference.attribution.engines.layers import find_layer
from prediction_difference.attribution.engines.passage import Passage
from prediction_difference.attribution.engines.plan import Options, Plan
from prediction_difference.attribution.engines.protocol import Expectation, Prepared
from prediction_difference.attribution.engines.rectangles import Rectangles
from prediction_difference.attribution.engines.sampled import (
    check_scores,
    in_batches,
    layer_values,
    places_by_layer,
    sampled_expectation,
    values_of,
)
from prediction_difference.attribution.nodes import Node
from prediction_difference.classifiers.graph import Graph, NotFollowedError, follow
from prediction_difference.priors.samplers import Sampler
from prediction_difference.progress import say

if TYPE_CHECKING:
    from torch import nn

__all__ = ["IncrementalEngine", "Options"]

_IMAGES = {"cpu": 80, "cuda": 2560}
"""Images at a time: on CPUs, few enough for the caches."""
_JOINED = 4096
"""Images for which linear maps run at once."""
_TOLERANCE = 1e-3
"""Of the largest value: how far the graph may be from the module that it was traced from."""


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

    def prepare(self, image: np.ndarray) -> Prepared:
        """(C, *spatial) -> the image, run once and ready for its windows; see `Engine`."""
        shape = tuple(image.shape)
        if shape in self._networks and self._networks[shape] is None:
            return self._whole.prepare(image)
        dense = self._dense.prepare(image)
        if shape not in self._networks:
            self._networks[shape] = self._followed(dense.image)
        network = self._networks[shape]
        if network is None:
            return self._whole.prepare(image)
        return IncrementalImage(network, dense, self._images, self._options.joins)

    def _followed(self, image: Tensor) -> "FollowedNetwork | None":
        try:
            graph = follow(self._module, image)
        except NotFollowedError as error:
            say(f"the network is run whole for every draw: {error}")
            return None
        network = FollowedNetwork(self._module, graph, self._dtype, self._options)
        if self._window is None:
            return network
        plan, _ = network.plan([Node.score(0)], self._window)
        return network if plan.pays(self._images) else None


class FollowedNetwork:
    """A module, its graph for images of one shape, and the plans made for it so far."""

    def __init__(self, module: "nn.Module", graph: Graph, dtype: torch.dtype, options: Options):
        self._module = module
        self._graph = graph
        self._dtype = dtype
        self._options = options
        self._plans: dict[tuple[tuple[int, ...], int], Plan] = {}

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
            plan = Plan(self._graph, key[0], window, self._dtype, self._options)
            self._plans[key] = plan
        plan = self._plans[key]
        return plan, {layer: plan.numbers[number] for layer, number in steps.items()}

    def _step_of(self, layer: str) -> int:
        """Where a layer is used several times, its last output counts."""
        wanted = find_layer(self._module, layer)
        names = [n for n, m in self._module.named_modules(remove_duplicate=False) if m is wanted]
        steps = [self._graph.layers[name] for name in names if name in self._graph.layers]
        if not steps:
            raise NotFollowedError(f"layer {layer!r} is none of its operations")
        return max(steps)


class IncrementalImage:
    """An image, and the passages of its windows: one for each set of outputs that nodes need."""

    def __init__(self, network: FollowedNetwork, dense: DenseImage, images: int, joins: bool):
        self._network = network
        self._dense = dense
        self._images = images
        self._joins = joins
        self._passages: dict[Plan, Passage] = {}
        self._is_followed: dict[tuple[Node, ...], bool] = {}

    @property
    def scores(self) -> np.ndarray:
        """(K,) class scores."""
        return self._dense.scores

    def values(self, nodes: Sequence[Node]) -> np.ndarray:
        """(nodes,) of the image as it is."""
        return self._dense.values(nodes)

    def expectation(
        self,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """Follow what every draw changes; see `Prepared`."""
        if not self._follows(tuple(nodes), sampler.window):
            return self._dense.expectation(corners, sampler, samples, seed, nodes)
        return sampled_expectation(
            self._dense.image, self._outcomes, corners, sampler, samples, seed, nodes
        )

    def _follows(self, nodes: tuple[Node, ...], window: int) -> bool:
        """Whether the graph gives what the module does for the image itself; says it if not."""
        if nodes not in self._is_followed:
            reason = self._difference(nodes, window)
            if reason:
                say(f"the network is run whole for every draw: {reason}")
            self._is_followed[nodes] = not reason
        return self._is_followed[nodes]

    def _difference(self, nodes: tuple[Node, ...], window: int) -> str:
        """Why the graph does not serve for nodes; empty if it does."""
        try:
            passage, steps = self._passage(nodes, window)
        except NotFollowedError as error:
            return str(error)
        values = self._dense.values(nodes)
        for layer, places in places_by_layer(nodes).items():
            output = passage.outputs[steps[layer]]
            if layer is None:
                found, expected = output[0].double().cpu().numpy(), self.scores
            else:
                mine = [nodes[place] for place in places]
                found = layer_values(output, mine)[0].cpu().numpy()
                expected = values[places]
            scale = np.abs(expected).max()
            if found.shape != expected.shape or np.abs(found - expected).max() > scale * _TOLERANCE:
                return f"its graph gives other values for {layer or 'the class scores'}"
        return ""

    def _passage(self, nodes: Sequence[Node], window: int) -> tuple[Passage, dict[str | None, int]]:
        plan, steps = self._network.plan(nodes, window)
        if plan not in self._passages:
            with torch.inference_mode():
                self._passages[plan] = Passage(plan, self._dense.image)
        return self._passages[plan], steps

    def _outcomes(self, corners: Tensor, contents: Tensor, nodes: Sequence[Node]) -> Tensor:
        passage, steps = self._passage(nodes, contents.shape[-1])
        samples = contents.shape[1]
        windows = max(1, self._images // samples)
        hosted = corners.cpu().numpy()
        order = np.concatenate(passage.batches(hosted, windows))

        def run(part: slice) -> Tensor:
            batches = [order[part][b] for b in passage.batches(hosted[order[part]], windows)]
            together = [batches] if self._joins else [[batch] for batch in batches]
            outputs = [
                self._outputs(passage, steps, nodes, [(hosted[b], contents[b]) for b in some])
                for some in together
            ]
            scores = self._score_row.expand(len(order[part]) * samples, -1)
            if None in steps:
                scores = torch.cat([o[None] for o in outputs])
            layers = {name: torch.cat([o[name] for o in outputs]) for name in steps if name}
            values = values_of(nodes, check_scores(scores), layers)
            return values.unflatten(0, (-1, samples))

        values, _ = in_batches(run, len(order), max(1, _JOINED // samples))
        back = torch.from_numpy(np.argsort(order)).to(values.device)
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
        batches: Iterable[tuple[np.ndarray, Tensor]],
    ) -> dict[str | None, Tensor]:
        """(n, d) corners and (n, S, C, *window) contents -> (windows * S, ..) float64.

        Class scores, and values of each layer's nodes in their order.
        """
        places = places_by_layer(nodes)

        def reduced(layer: str | None, change: Change) -> Tensor:
            if layer is None:
                return self._score_row + change.values.flatten(0, 1).double()
            mine = [nodes[place] for place in places[layer]]
            base = layer_values(passage.outputs[steps[layer]], mine)
            return base + changed_values(change, passage.outputs[steps[layer]].shape, mine)

        late = passage.plan.late
        early = {layer: step for layer, step in steps.items() if step not in late}
        found: dict[str | None, list[Tensor]] = {layer: [] for layer in steps}
        handed = []
        for corners, contents in batches:
            changes = passage.early(corners, contents)
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
