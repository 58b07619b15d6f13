"""Heatmap methods that are not prediction difference analysis."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.backward import (
    followed,
    gradients_of,
    norm_of,
    numpy,
    relevance_of,
    signals,
    slopes,
)
from prediction_difference.attribution.deep_taylor import deep_taylor
from prediction_difference.attribution.linear_heatmaps import deviation, pattern, weights
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.roots import root_forwards, taylor
from prediction_difference.choices import (
    Bias,
    Count,
    Device,
    Foreground,
    MaxPooling,
    Norm,
    Normalising,
    NotNegative,
    Start,
    StartOfRelevance,
)
from prediction_difference.errors import DataError, choose_among
from prediction_difference.images import check_image, check_images
from prediction_difference.options import check_options, checked

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.logistic_regression import LinearClassifier

_PATHS_AT_ONCE = 16
"""Images of a path that are run together."""
_GREY_LEVELS = 256
"""Of the histogram in which a threshold is found."""


def sensitivity(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    norm: Norm = "l2",
    device: Device = "cpu",
) -> np.ndarray:
    """Norm over channels of the nodes' gradients [samek2017, eq. 3]; for every torch module.

    norm: squared is that of [montavon2017, section 2.2].
    """
    return norm_of(gradients_of(classifier, images, nodes, device), norm)


def gradient_times_input(
    classifier: "nn.Module", images: np.ndarray, nodes: Sequence[Node], *, device: Device = "cpu"
) -> np.ndarray:
    """Gradient by normalised image, times it, summed over channels [shrikumar2016]."""
    import torch

    from prediction_difference.attribution.relevance.gradients import gradient
    from prediction_difference.attribution.relevance.passing import first_layer, passed_back

    found = followed(classifier, images, device)
    with torch.no_grad():
        values = found.graph.run(found.images)
    number = first_layer(found.graph)
    signal = slopes(values[found.graph.output], nodes)
    passed = passed_back(found.graph, values, signal, gradient, number)
    return numpy((passed * values[number]).sum(1))


def integrated_gradients(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    steps: Count = 32,
    baseline: float = 0.0,
    device: Device = "cpu",
) -> np.ndarray:
    """Mean gradient on the way from a plain image, times the way, by channels [sundararajan2017].

    baseline: value of all pixels of the plain image. steps: of the midpoint rule.
    """
    way = images - np.float32(baseline)
    total = np.zeros(images.shape, dtype=np.float64)
    places = (np.arange(steps) + 0.5) / steps
    for part in np.array_split(places, -(-steps // _PATHS_AT_ONCE)):
        on_the_way = np.concatenate([baseline + np.float32(place) * way for place in part])
        gradients = gradients_of(classifier, on_the_way, list(nodes) * len(part), device)
        total += gradients.reshape(len(part), *images.shape).sum(0)
    return np.asarray((way * total / steps).sum(1))


def deconvolution(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    norm: Norm = "l2",
    start: Start = "slope",
    device: Device = "cpu",
) -> np.ndarray:
    """Norm over channels of what rectified signals become in the image [samek2017, II-B].

    start: see `backward.signals`; with response and norm: sum it is R(x|c) of [kumar2017, eq. 3].
    """
    from prediction_difference.attribution.relevance import gradients

    rule = gradients.deconvolution
    return norm_of(signals(classifier, images, nodes, rule, device, start), norm)


def guided_backpropagation(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    norm: Norm = "l2",
    device: Device = "cpu",
) -> np.ndarray:
    """Norm over channels of gradients that rectifiers also rectify [springenberg2015]."""
    from prediction_difference.attribution.relevance import gradients

    return norm_of(
        signals(classifier, images, nodes, gradients.guided_backpropagation, device), norm
    )


def lrp_epsilon(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    start: StartOfRelevance = "score",
    epsilon: NotNegative = 0.01,
    relative: bool = False,
    bias: Bias = "ignored",
    max_pool: MaxPooling = "winner",
    normalisation: Normalising = "passed",
    device: Device = "cpu",
) -> np.ndarray:
    """Layer-wise relevance propagation by `Epsilon`, summed over channels [samek2017, eq. 7].

    start: see `backward.relevance_of`. The other options are those of `Epsilon`.
    """
    from prediction_difference.attribution.relevance.redistribution import Epsilon

    rule = Epsilon(bias, max_pool, normalisation, epsilon, relative)
    return relevance_of(classifier, images, nodes, rule, device, start=start)


def lrp_alpha_beta(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    start: StartOfRelevance = "score",
    alpha: float = 2.0,
    beta: float = -1.0,
    bias: Bias = "ignored",
    max_pool: MaxPooling = "winner",
    normalisation: Normalising = "passed",
    device: Device = "cpu",
) -> np.ndarray:
    """Layer-wise relevance propagation by `AlphaBeta`, summed over channels [samek2017, eq. 8].

    start: see `backward.relevance_of`. The other options are those of `AlphaBeta`.

    Raises:
        DataError: alpha + beta is not 1.
    """
    from prediction_difference.attribution.relevance.redistribution import AlphaBeta

    rule = AlphaBeta(bias, max_pool, normalisation, alpha, beta)
    return relevance_of(classifier, images, nodes, rule, device, start=start)


def occlusion(
    classifier: "nn.Module | LinearClassifier",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    window: Count = 9,
    stride: Count = 3,
    fill: float = 0.5,
    device: Device = "cpu",
) -> np.ndarray:
    """What the value loses under a plain window, mean over its windows of a pixel [zeiler2014].

    window, stride: in pixels. fill: value of all channels of the window.
    """
    from prediction_difference.attribution.engines.choosing import choose_engine
    from prediction_difference.priors.windows import WindowGrid

    engine = choose_engine(classifier, "auto", device, window=window)
    grid = WindowGrid(images.shape[2:], window, stride)
    found = []
    for image, node in zip(images, nodes, strict=True):
        prepared = engine.prepare(image)
        value = prepared.values([node])[0]
        plain = _Plain(window, fill)
        rows = [
            value - prepared.expectation(grid.row(row), plain, 1, 0, [node]).mean[0]
            for row in range(grid.shape[0])
        ]
        found.append(grid.average(np.stack(rows).reshape(1, *grid.shape))[0])
    return np.stack(found)


@dataclass(frozen=True)
class _Plain:
    """A sampler that knows one content only."""

    window: int
    fill: float

    def sample(self, image: np.ndarray, corners: np.ndarray, samples: int, seed: int) -> np.ndarray:
        """(n, samples, C, *window) of the same number."""
        sides = (self.window,) * (image.ndim - 1)
        return np.full((len(corners), samples, len(image), *sides), self.fill, dtype=np.float32)


def random(
    classifier: object,
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    seed: int = 0,
    device: Device = "cpu",
) -> np.ndarray:
    """Uniform numbers in 0 to 1: a random order of the pixels."""
    keys = [randomness.image_key(seed, "random order", image) for image in images]
    return np.stack([randomness.generator(key).random(images.shape[2:]) for key in keys])


def segmentation(
    classifier: object,
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    foreground: Foreground = "bright",
    device: Device = "cpu",
) -> np.ndarray:
    """1 on the object and 0 elsewhere, whatever is explained [samek2017, Fig. 1].

    The object is what is brighter, or darker, than a threshold on the mean of the channels
    [otsu1979].
    """
    is_bright = np.stack([one > _threshold(one) for one in images.mean(1)])
    return (is_bright if foreground == "bright" else ~is_bright).astype(np.float32)


def _threshold(brightness: np.ndarray) -> float:
    """The level that parts dark from bright pixels [otsu1979]."""
    from skimage.filters import threshold_otsu

    # scikit-image returns the middle of the histogram's last dark bin, which is dark as a whole.
    half_bin = np.ptp(brightness) / _GREY_LEVELS / 2
    return float(threshold_otsu(brightness, _GREY_LEVELS) + half_bin)


@dataclass(frozen=True)
class Method:
    """A heatmap method: its function, the unit of its values, whether their sign means anything.

    function: (classifier, images (N, C, *spatial), a node for each) -> (N, *spatial). Its options
    are keyword-only, and their annotations say what they can be: `heatmaps` refuses all else.
    """

    function: Callable[..., np.ndarray]
    unit: str
    is_signed: bool


_PER_INPUT = "activation per unit of input"
METHODS = {
    "sensitivity": Method(sensitivity, _PER_INPUT, is_signed=False),
    "deconvolution": Method(deconvolution, "none", is_signed=False),
    "guided_backprop": Method(guided_backpropagation, "none", is_signed=False),
    "gradient_times_input": Method(gradient_times_input, "activation", is_signed=True),
    "integrated_gradients": Method(integrated_gradients, "activation", is_signed=True),
    "lrp_epsilon": Method(lrp_epsilon, "activation", is_signed=True),
    "lrp_alpha_beta": Method(lrp_alpha_beta, "activation", is_signed=True),
    "deep_taylor": Method(deep_taylor, "activation", is_signed=True),
    "taylor": Method(taylor, "activation", is_signed=True),
    "occlusion": Method(occlusion, "activation", is_signed=True),
    "random": Method(random, "none", is_signed=False),
    "segmentation": Method(segmentation, "none", is_signed=False),
    "weights": Method(weights, "log odds per unit of input", is_signed=True),
    "pattern": Method(pattern, "unit of input per log odds", is_signed=True),
    "deviation": Method(deviation, "unit of input", is_signed=True),
}
OF_PLANES = frozenset({"weights", "pattern", "deviation", "occlusion"})
"""Methods that take a `LinearClassifier` as it is."""
OF_TRAINING = frozenset({"pattern", "deviation"})
"""Methods that take the images that the classifier was fitted to, as `training`."""


@checked
def heatmaps(
    method: str,
    classifier: "nn.Module | LinearClassifier",
    images: np.ndarray,
    nodes: Sequence[Node],
    **options: Any,
) -> np.ndarray:
    """(N, *spatial) relevance of images (N, C, *spatial), for a node each, by a method's name.

    options: those of the method's function, which names its choices, bounds and defaults.

    Raises:
        DataError: there is no such method, an option is unknown or not what it can be, an image
            holds NaN or infinity or does not fit the classifier, a node is none of its classes,
            or the method cannot look into the classifier.
    """
    check_images(images)
    if len(nodes) != len(images):
        what = f"there are {len(nodes)} for {len(images)} images"
        raise DataError("nodes", what, "give one for each image")
    return _maps(method, classifier, images, nodes, options)


def forwards(method: str, spatial: Sequence[int], **options: Any) -> int:
    """How many images the classifier is run on for one map."""
    match method:
        case "random" | "segmentation" | "weights" | "pattern" | "deviation":
            return 0
        case "integrated_gradients":
            return int(options["steps"])
        case "taylor":
            return root_forwards(int(options["steps"]), int(options.get("starts", 1)))
        case "occlusion":
            from prediction_difference.priors.windows import WindowGrid

            grid = WindowGrid(tuple(spatial), options["window"], options["stride"])
            return math.prod(grid.shape)
        case _:
            return 1


@checked
def heatmap(
    method: str,
    classifier: "nn.Module | LinearClassifier",
    image: np.ndarray,
    node: Node,
    **options: Any,
) -> np.ndarray:
    """(*spatial) relevance of one image (C, *spatial), by a method's name; see `heatmaps`.

    Raises:
        DataError: as of `heatmaps`.
    """
    check_image(image)
    return np.asarray(_maps(method, classifier, image[None], [node], options)[0])


def _maps(
    method: str,
    classifier: "nn.Module | LinearClassifier",
    images: np.ndarray,
    nodes: Sequence[Node],
    options: Mapping[str, Any],
) -> np.ndarray:
    """As `heatmaps`, of images that are right by themselves."""
    if method not in METHODS:
        raise DataError(f"method={method!r}", "is unknown", choose_among(method, sorted(METHODS)))
    function = METHODS[method].function
    check_options(function, options, method)
    for node in nodes:
        if node.layer is not None:
            raise DataError(f"layer {node.layer!r}", f"{method} explains classes", "name a class")
    return function(classifier, images, nodes, **options)
