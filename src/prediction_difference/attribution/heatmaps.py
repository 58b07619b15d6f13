"""Heatmap methods that are not prediction difference analysis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.nodes import Node
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import nn


def sensitivity(
    classifier: "nn.Module",
    image: np.ndarray,
    node: Node,
    *,
    norm: Literal["l2", "linf"] = "l2",
    device: str = "cpu",
) -> np.ndarray:
    """(C, *spatial) -> (*spatial) norm over channels of the node's gradient [samek2017, eq. 3]."""
    import torch

    x = torch.tensor(image[None], dtype=torch.float32, device=device, requires_grad=True)
    scores = classifier.to(device).eval()(x)
    value = scores.softmax(1) if node.kind == "probability" else scores
    (gradient,) = torch.autograd.grad(value[0, node.index], x)
    order = 2.0 if norm == "l2" else float("inf")
    return torch.linalg.vector_norm(gradient[0], ord=order, dim=0).cpu().numpy()


def random(
    classifier: object, image: np.ndarray, node: Node, *, seed: int = 0, device: str = "cpu"
) -> np.ndarray:
    """(C, *spatial) -> (*spatial) uniform numbers in 0 to 1: a random order of the pixels."""
    generator = randomness.generator(randomness.image_key(seed, "random order", image))
    return generator.random(image.shape[1:])


@dataclass(frozen=True)
class Method:
    """A heatmap method: its function, the unit of its values, whether their sign means anything."""

    function: Callable[..., np.ndarray]
    unit: str
    is_signed: bool


METHODS = {
    "sensitivity": Method(sensitivity, "activation per unit of input", is_signed=False),
    "random": Method(random, "none", is_signed=False),
}


def heatmap(
    method: str, classifier: "nn.Module", image: np.ndarray, node: Node, **options: Any
) -> np.ndarray:
    """Relevance (*spatial) of an image (C, *spatial) for one node, by a method's name.

    Raises:
        DataError: there is no such method, or the node is none of a class.
    """
    if method not in METHODS:
        raise DataError(
            f"method {method!r}", "is unknown", f"methods are {', '.join(sorted(METHODS))}"
        )
    if node.layer is not None:
        raise DataError(f"layer {node.layer!r}", f"{method} explains classes", "name a class")
    return METHODS[method].function(classifier, image, node, **options)
