"""What engines that run a classifier on draws have in common."""

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference.attribution.engines.protocol import Expectation
from prediction_difference.attribution.nodes import Node, check_nodes
from prediction_difference.errors import DataError
from prediction_difference.priors.samplers import Sampler, draw
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
        variance, mean = torch.var_mean(values, dim=1)
    forwards = len(corners) * samples
    return Expectation(mean.T.cpu().numpy(), (variance / samples).T.cpu().numpy(), forwards)


def values_of(nodes: Sequence[Node], scores: "Tensor", maps: Mapping[str, "Tensor"]) -> "Tensor":
    """(N, K) class scores and (N, units) means of layers' maps -> (N, nodes) float64.

    Raises:
        DataError: the classifier has no such node.
    """
    import torch

    check_nodes(nodes, scores.shape[1], {layer: m.shape[1] for layer, m in maps.items()})
    sources: dict[str | None, Tensor] = {layer: m.double() for layer, m in maps.items()}
    sources[None] = scores.double()
    probabilities = sources[None].softmax(1)
    columns = [
        (probabilities if node.kind == "probability" else sources[node.layer])[:, node.index]
        for node in nodes
    ]
    return torch.stack(columns, dim=1)


def map_means(output: "Tensor") -> "Tensor":
    """(N, units, *spatial) output of a layer -> (N, units) mean of every feature map."""
    return output.float().flatten(2).mean(2) if output.ndim > 2 else output.float()


def check_scores(scores: "Tensor") -> "Tensor":
    """Class scores as they are, if they are finite and (N, K).

    Raises:
        DataError: they are not.
    """
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
    while start < count:
        try:
            parts.append(run(slice(start, min(start + batch_size, count))))
            start += batch_size
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            if batch_size == 1:
                raise DataError(
                    "memory", "does not suffice for one image", "use a smaller image or network"
                ) from error
            batch_size = -(-batch_size // 2)
        else:
            continue
        # Outside the handler, so that the failed batch's tensors are no longer referred to.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        say(f"out of memory: going on with batches of {batch_size}")
    return torch.cat(parts), batch_size


def _is_out_of_memory(error: RuntimeError) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
