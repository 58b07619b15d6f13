"""What engines that run a classifier on draws have in common."""

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference.attribution.engines.protocol import Expectation
from prediction_difference.attribution.nodes import Node, check_nodes
from prediction_difference.errors import DataError
from prediction_difference.priors.draws import Sampler, draw
from prediction_difference.progress import say

if TYPE_CHECKING:
    from torch import Tensor

Outcomes = Callable[["Tensor", "Tensor", Sequence[Node]], "Tensor"]
"""(n, d) corners, (n, S, C, *window) contents, nodes -> (n, S, nodes) float64 values."""


def sampled_expectation(
    image: "Tensor",
    outcomes: Outcomes,
    corners: np.ndarray,
    sampler: Sampler,
    samples: int,
    seed: int,
    nodes: Sequence[Node],
) -> Expectation:
    """Mean of the nodes' values over draws, all of it on the image's device; see `Prepared`."""
    import torch

    with torch.inference_mode():
        places = torch.as_tensor(np.ascontiguousarray(corners), device=image.device)
        contents = draw(sampler, image, places, samples, seed)
        values = outcomes(places, contents, nodes)
        mean = values.mean(1)
        variance = values.var(1) if samples > 1 else torch.full_like(mean, torch.nan)
    forwards = len(corners) * samples
    return Expectation(mean.T.cpu().numpy(), (variance / samples).T.cpu().numpy(), forwards)


def values_of(nodes: Sequence[Node], scores: "Tensor", layers: Mapping[str, "Tensor"]) -> "Tensor":
    """(N, K) class scores and the values of layers' nodes -> (N, nodes) float64.

    layers: of every layer that nodes name, the `layer_values` of its nodes in their order.

    Raises:
        DataError: the classifier has no such class or layer.
    """
    import torch

    check_nodes([node for node in nodes if node.layer not in layers], scores.shape[1], {})
    places = places_by_layer(nodes)
    values = torch.empty(len(scores), len(nodes), dtype=torch.float64, device=scores.device)
    for layer, mine in places.items():
        if layer is not None:
            values[:, mine] = layers[layer]
    if None in places:
        mine = places[None]
        values[:, mine] = _class_values([nodes[place] for place in mine], scores.double())
    return values


def _class_values(nodes: Sequence[Node], scores: "Tensor") -> "Tensor":
    """(N, K) float64 class scores -> (N, nodes) probabilities and scores."""
    import torch

    both = torch.cat([scores, scores.softmax(1)], dim=1)
    classes = scores.shape[1]
    return both[:, [n.index + classes * (n.kind == "probability") for n in nodes]]


def places_by_layer(nodes: Sequence[Node]) -> dict[str | None, list[int]]:
    """Places of the nodes of each layer among all nodes, in order; None: of classes."""
    places: dict[str | None, list[int]] = {}
    for place, node in enumerate(nodes):
        places.setdefault(node.layer, []).append(place)
    return places


def layer_values(output: "Tensor", nodes: Sequence[Node]) -> "Tensor":
    """(N, units, *spatial) output of a layer -> (N, nodes) float64 values of its nodes.

    The mean of a feature map, and a unit as it is; all of them are gathered at once.

    Raises:
        DataError: the layer has no such map or unit.
    """
    import torch

    check_nodes(nodes, 0, {node.layer: tuple(output.shape[1:]) for node in nodes if node.layer})
    values = torch.empty(len(output), len(nodes), dtype=torch.float64, device=output.device)
    maps = [place for place, node in enumerate(nodes) if node.kind == "feature_map"]
    units = [place for place, node in enumerate(nodes) if node.kind == "unit"]
    if maps:
        values[:, maps] = map_means(output)[:, [nodes[place].index for place in maps]].double()
    if units:
        index = torch.tensor([(nodes[p].index, *nodes[p].position) for p in units]).T
        values[:, units] = output[(slice(None), *index.to(output.device))].double()
    return values


def map_means(output: "Tensor") -> "Tensor":
    """(N, units, *spatial) output of a layer -> (N, units) float32 mean of every feature map."""
    return output.float().flatten(2).mean(2) if output.ndim > 2 else output.float()


def check_scores(scores: "Tensor") -> "Tensor":
    """Class scores as they are, if they are finite and (N, K).

    Raises:
        DataError: they are not.
    """
    import torch

    if not isinstance(scores, torch.Tensor):
        raise DataError(
            "classifier",
            f"returned a {type(scores).__name__}",
            "let it return one tensor of class scores (N, K)",
        )
    if scores.ndim != 2 or not bool(scores.isfinite().all()):
        raise DataError(
            "classifier",
            f"returned an array of shape {tuple(scores.shape)} or values that are not finite",
            "let it return finite class scores (N, K)",
        )
    return scores


def in_batches(
    run: Callable[[slice], "Tensor"], count: int, batch_size: int
) -> tuple["Tensor", int]:
    """Run 0 to count in batches; where memory does not suffice, halve them and say so.

    Returns the joined results, and the batch size that was enough.

    Raises:
        DataError: memory does not suffice for a single item.
    """
    import torch

    parts, start = [], 0

    def run_next(size: int) -> "Tensor":
        return run(slice(start, min(start + size, count)))

    while start < count:
        part, batch_size = in_memory(run_next, batch_size)
        parts.append(part)
        start += batch_size
    return torch.cat(parts), batch_size


def in_memory(run: Callable[[int], "Tensor"], batch_size: int) -> tuple["Tensor", int]:
    """Run with batches of a size; where memory does not suffice, halve it and say so.

    Returns the result, and the batch size that was enough.

    Raises:
        DataError: memory does not suffice for a single item.
    """
    import torch

    while True:
        try:
            return run(batch_size), batch_size
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if batch_size == 1:
                raise DataError(
                    "memory", "does not suffice for one image", "use a smaller image or network"
                ) from error
            batch_size = -(-batch_size // 2)
        # Outside the handler, so that the failed batch's tensors are no longer referred to.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        say(f"out of memory: going on with batches of {batch_size}")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch says so, for a GPU or the machine."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
