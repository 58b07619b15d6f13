"""One pass back through a classifier, for a node of every image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from prediction_difference.attribution.engines.refusal import check_network, taking
from prediction_difference.attribution.engines.sampled import check_scores
from prediction_difference.attribution.nodes import Node, check_nodes
from prediction_difference.choices import Norm, Start, StartOfRelevance
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from prediction_difference.attribution.relevance.passing import Rule
    from prediction_difference.classifiers.graph import Graph


@dataclass(frozen=True)
class Followed:
    """What is known of a classifier that was looked into, for some images.

    images: (N, C, *spatial) on their device. graph: the steps that lead to the scores. layers:
    numbers of the steps that layers of the module are in, by name.
    """

    images: "Tensor"
    graph: "Graph"
    layers: Mapping[str, int]


def gradients_of(
    classifier: "nn.Module", images: np.ndarray, nodes: Sequence[Node], device: str
) -> np.ndarray:
    """(N, C, *spatial) gradient of the node of every image, by any module.

    Raises:
        DataError: the classifier does not take the images, or has no such class.
    """
    import torch

    x = torch.tensor(images, dtype=torch.float32, device=device, requires_grad=True)
    check_network(classifier)
    classifier = classifier.to(device).eval()
    with taking(classifier, x.shape[1:]):
        scores = classifier(x)
    (gradients,) = torch.autograd.grad(scores, x, slopes(scores.detach(), nodes))
    return numpy(gradients)


def slopes(scores: "Tensor", nodes: Sequence[Node]) -> "Tensor":
    """(N, K) derivative of the node of every image by its class scores.

    Raises:
        DataError: there is no such class, or only one, whose probability is asked for; or the
            scores are not finite (N, K).
    """
    import torch

    check_nodes(nodes, check_scores(scores).shape[1], {})
    chosen = [node.index for node in nodes]
    one = torch.nn.functional.one_hot(
        torch.tensor(chosen, device=scores.device), scores.shape[1]
    ).to(scores.dtype)
    p = scores.softmax(1)
    of_probability = p[range(len(nodes)), chosen, None] * (one - p)
    is_probability = torch.tensor(
        [[node.kind == "probability"] for node in nodes], device=scores.device
    )
    return torch.where(is_probability, of_probability, one)


def followed(classifier: "nn.Module", images: np.ndarray, device: str) -> Followed:
    """Look into a classifier.

    Raises:
        DataError: the classifier does not take the images, or does something that is not followed.
    """
    import torch

    x = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).to(device)
    check_network(classifier)
    classifier = classifier.to(device).eval()
    state = (tuple(x.shape[1:]), *((id(t), t._version, t.dtype) for t in _tensors(classifier)))
    known = _FOLLOWED.get(classifier)
    if known is None or known[0] != state:
        known = _FOLLOWED[classifier] = (state, *_follow(classifier, x[0]))
    return Followed(x, *known[1:])


_FOLLOWED: WeakKeyDictionary["nn.Module", Any] = WeakKeyDictionary()
"""What was found in classifiers that are still there, and in which state: looking takes longer than
many a heatmap."""


def _tensors(classifier: "nn.Module") -> list["Tensor"]:
    return [*classifier.parameters(), *classifier.buffers()]


def _follow(classifier: "nn.Module", image: "Tensor") -> tuple["Graph", dict[str, int]]:
    import torch

    from prediction_difference.classifiers.graph import NotFollowedError, follow

    # Once as it is, since tracing fails for the same reasons with other words.
    with torch.no_grad(), taking(classifier, image.shape):
        classifier(image[None])
    try:
        graph = follow(classifier, image)
    except NotFollowedError as error:
        remedy = "use sensitivity, integrated_gradients or prediction-difference"
        raise DataError("classifier", f"cannot be looked into: {error}", remedy) from error
    reduced, numbers = graph.reduced([graph.output])
    layers = {name: numbers[i] for name, i in graph.layers.items() if i in numbers}
    return reduced, layers


def signals(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    rule: "Rule",
    device: str,
    start: Start = "slope",
) -> np.ndarray:
    """(N, C, *spatial) what reaches the images from their nodes.

    start: from the scores, what a node's slope is; or from the maps of the classes, if there are
    such, what is positive in the node's map, and from the score otherwise [kumar2017, eq. 3].
    """
    import torch

    from prediction_difference.attribution.relevance.passing import class_maps, passed_back

    found = followed(classifier, images, device)
    with torch.no_grad():
        values = found.graph.run(found.images)
    graph = found.graph
    if start == "slope":
        return numpy(passed_back(graph, values, slopes(values[graph.output], nodes), rule))
    number = class_maps(graph)
    one_hot = slopes(values[graph.output], [Node.score(node.index) for node in nodes])
    maps = values[number].relu()
    signal = maps * one_hot.view(*one_hot.shape, *(1,) * (maps.ndim - 2))
    return numpy(passed_back(graph, values, signal, rule, start=number))


def relevance_of(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    rule: "Rule",
    device: str,
    exceptions: Callable[[Followed], Mapping[int, "Rule"]] | None = None,
    start: StartOfRelevance = "score",
) -> np.ndarray:
    """(N, *spatial) relevance of the normalised images' pixels for their class scores.

    start: the score is passed back; or with positive, only where it is, so that what speaks against
    a class does not become positive in the map of a class with a negative score. exceptions: from
    what is known of the classifier to the steps that have a rule of their own.

    Raises:
        DataError: a node is a probability, whose relevance has no rule.
    """
    import torch

    from prediction_difference.attribution.relevance.passing import first_layer, passed_back

    if any(node.kind == "probability" for node in nodes):
        raise DataError(
            "nodes", "relevance is passed from class scores, not probabilities", "set output: score"
        )
    found = followed(classifier, images, device)
    own_rules = {} if exceptions is None else exceptions(found)
    with torch.no_grad():
        values = found.graph.run(found.images)
        scores = values[found.graph.output]
    passed = scores.relu() if start == "positive" else scores
    signal = slopes(scores, nodes) * passed
    to = first_layer(found.graph)
    return numpy(passed_back(found.graph, values, signal, rule, to, own_rules).sum(1))


def norm_of(gradients: np.ndarray, norm: Norm) -> np.ndarray:
    """(N, C, *spatial) -> (N, *spatial), over channels; squared: the square of l2."""
    if norm in ("squared", "sum"):
        return np.asarray((np.square(gradients) if norm == "squared" else gradients).sum(1))
    return np.asarray(np.linalg.norm(gradients, ord=2 if norm == "l2" else np.inf, axis=1))


def numpy(values: "Tensor") -> np.ndarray:
    """On the CPU."""
    return values.detach().cpu().numpy()
