"""Deep Taylor decomposition [montavon2017]: relevance by rules that keep its sum and its sign."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.attribution.backward import Followed, relevance_of
from prediction_difference.attribution.nodes import Node
from prediction_difference.choices import (
    Bias,
    Device,
    LayerRule,
    MaxPooling,
    Natural,
    Normalising,
)
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from prediction_difference.attribution.relevance.redistribution import Redistribution
    from prediction_difference.classifiers.detection_pooling import DetectionPooling

_ROUNDING = 1e-4
"""Of an image's range, by which values may lie outside."""


def deep_taylor(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    first: LayerRule = "zB",
    layers: Mapping[str, LayerRule] = MappingProxyType({}),
    lowest: float = 0.0,
    highest: float = 1.0,
    relevance_model: Natural | None = None,
    bias: Bias = "absorbs",
    max_pool: MaxPooling = "proportional",
    normalisation: Normalising = "passed",
    device: Device = "cpu",
) -> np.ndarray:
    """Relevance of the normalised images' pixels, summed over channels [montavon2017, section 5].

    first: rule of the layers that take pixels; z+ is that of all others, but for those that
    `layers` names. lowest, highest: values that images can have, the box of zB. relevance_model:
    number of a trained one [section 5.1], which replaces the first layer; None: training-free
    [section 5.2]. bias, max_pool, normalisation: those of `Redistribution`; by default as in
    sections 5.2 and 6.2.

    Raises:
        DataError: the box is empty, an image lies outside of it, a layer is none, or has no box,
            or the classifier has no such relevance model.
    """
    from prediction_difference.attribution.relevance.redistribution import Positive

    refuse_outside(images, lowest, highest)
    policies: dict[str, Any] = {"bias": bias, "max_pool": max_pool, "normalisation": normalisation}
    if relevance_model is not None:
        network = _explained_by_model(classifier, relevance_model, nodes)
        make = _rule_of_pixels(first, policies)
        return _by_relevance_model(
            classifier, network, images, relevance_model, (lowest, highest), make, device
        )

    def exceptions(found: Followed) -> dict[int, "Redistribution"]:
        return _rules_of_steps(found, first, layers, (lowest, highest), policies)

    return relevance_of(classifier, images, nodes, Positive(**policies), device, exceptions)


def refuse_outside(images: np.ndarray, lowest: float, highest: float) -> None:
    """Raise DataError if the box is empty, or an image has values that it does not hold."""
    if lowest >= highest:
        raise DataError(f"lowest={lowest:g}", f"is not below highest={highest:g}", "raise highest")
    slack = _ROUNDING * (highest - lowest)
    low, high = float(images.min()), float(images.max())
    if low < lowest - slack or high > highest + slack:
        what = f"have values of {low:g} to {high:g}, not {lowest:g} to {highest:g}"
        raise DataError("images", what, "set lowest and highest to what images can have")


_Make = Callable[["Tensor", "Tensor"], "Redistribution"]
"""From the lowest and the highest values of its inputs to a layer's rule."""


def _rule_of_pixels(name: LayerRule, policies: Mapping[str, Any]) -> _Make:
    from prediction_difference.attribution.relevance.redistribution import (
        Box,
        Positive,
        SquaredWeights,
    )

    rules: dict[str, _Make] = {
        "z+": lambda low, high: Positive(**policies),
        "zB": lambda low, high: Box(**policies, low=low, high=high),
        "w2": lambda low, high: SquaredWeights(**policies),
    }
    return rules[name]


def _rules_of_steps(
    found: Followed,
    first: LayerRule,
    layers: Mapping[str, LayerRule],
    bounds: tuple[float, float],
    policies: Mapping[str, Any],
) -> dict[int, "Redistribution"]:
    """Rules of the steps that do not have z+."""
    from prediction_difference.attribution.relevance.passing import layers_of_pixels

    of_pixels = layers_of_pixels(found.graph)
    if not of_pixels and first != "z+":
        what = "no convolution or linear map of the classifier takes pixels"
        raise DataError(f"first: {first}", what, "set it to z+")
    names = dict.fromkeys(of_pixels, first)
    for layer, name in layers.items():
        number = _learned_step(found, layer)
        if name == "zB" and number not in of_pixels:
            what = "takes no pixels, so that its inputs have no box"
            raise DataError(f"layer {layer!r}", what, "give it z+ or w2")
        names[number] = name
    low, high = _ranges(found, bounds)
    rules = {}
    for number, name in names.items():
        source = found.graph.steps[number].inputs[0]
        rules[number] = _rule_of_pixels(name, policies)(low[source], high[source])
    return rules


def _learned_step(found: Followed, layer: str) -> int:
    from prediction_difference.classifiers.operations import Convolution, Linear

    number = found.layers.get(layer)
    if number is None or not isinstance(found.graph.steps[number].operation, Convolution | Linear):
        steps = {n: name for name, n in found.layers.items() if name}
        is_learned = [isinstance(s.operation, Convolution | Linear) for s in found.graph.steps]
        learned = [name for n, name in sorted(steps.items()) if is_learned[n]]
        few = ", ".join(learned[:5]) + (", ..." if len(learned) > 5 else "")
        what = "is no convolution or linear map of the classifier"
        raise DataError(f"layer {layer!r}", what, f"it has {few}")
    return number


def _ranges(found: Followed, bounds: tuple[float, float]) -> tuple[list["Tensor"], list["Tensor"]]:
    """Lowest and highest values of the outputs of all steps, right where these keep pixels.

    A normalisation may turn the range round.
    """
    import torch

    example = found.images[:1]
    with torch.no_grad():
        ends = [found.graph.run(torch.full_like(example, bound)) for bound in bounds]
    pairs = list(zip(*ends, strict=True))
    return [torch.minimum(*pair) for pair in pairs], [torch.maximum(*pair) for pair in pairs]


# --- the trained relevance model --------------------------------------------------------------


def _explained_by_model(
    classifier: "nn.Module", number: int, nodes: Sequence[Node]
) -> "DetectionPooling":
    from prediction_difference.classifiers.detection_pooling import DETECTED, DetectionPooling

    network = getattr(classifier, "network", classifier)
    count = len(network.models) if isinstance(network, DetectionPooling) else 0
    if not isinstance(network, DetectionPooling) or number >= count:
        remedy = "set relevance_models of a classifier of kind: detection-pooling, or leave it out"
        what = f"is asked for, and the classifier has {count}"
        raise DataError(f"relevance_model {number}", what, remedy)
    if any(node.kind != "score" or node.index != DETECTED for node in nodes):
        what = "a relevance model explains the score of what is detected"
        raise DataError("nodes", what, "name that class, with output: score")
    return network


def _by_relevance_model(
    classifier: "nn.Module",
    network: "DetectionPooling",
    images: np.ndarray,
    number: int,
    bounds: tuple[float, float],
    make: _Make,
    device: str,
) -> np.ndarray:
    """z+ in the top layer, then the model's detectors and their weights [eqs. 14 and 15]."""
    import torch

    from prediction_difference.classifiers.operations import Linear

    classifier.to(device).eval()
    preprocessing = getattr(classifier, "preprocessing", torch.nn.Identity())
    with torch.no_grad():
        x, low, high = (
            preprocessing(torch.from_numpy(part).to(device).float()).flatten(1)
            for part in (images, *(np.full_like(images[:1], bound) for bound in bounds))
        )
        model = network.models[number]
        y = model.detected(x, network.upper_detectors(x))
        rule = make(torch.minimum(low, high), torch.maximum(low, high))
        operation = Linear(model.detection.weight, None)
        (relevance,) = rule(operation, [x], y, y)
    found: np.ndarray = relevance.reshape(images.shape).sum(1).cpu().numpy()
    return found
