"""How cost grows with the image, the window, the samples and the nodes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.attribution.nodes import Node
from prediction_difference.benchmark.cases import REFUSALS, Case, make_case, rate
from prediction_difference.benchmark.inputs import make_inputs, make_network
from prediction_difference.benchmark.settings import BenchmarkSettings, CaseName, Device, Scaling
from prediction_difference.benchmark.subject import Subject
from prediction_difference.errors import DataError
from prediction_difference.figures.drawing import rounded
from prediction_difference.progress import say, track

if TYPE_CHECKING:
    from torch import nn

AXES = {
    "side": "side of the image, pixels",
    "window": "side of the window, k",
    "samples": "samples, S",
    "classes": "class nodes",
    "feature_maps": "feature maps of one layer",
    "layers": "layers, a feature map of each",
}
"""What is varied, each alone; in words."""


@dataclass(frozen=True)
class Point:
    """What is varied, its value, and what is measured there."""

    axis: str
    value: int
    subject: Subject
    nodes: tuple[Node, ...] = ()


def measure_scaling(
    settings: BenchmarkSettings, scaling: Scaling, device: Device
) -> dict[str, Any]:
    """Seconds of a whole map at every point, from a share of its windows, JSON-like."""
    points = _points(settings, scaling, device)
    found = []
    for point in track(points, "settings whose cost is measured"):
        seconds = {case: _seconds_per_map(point, case, scaling) for case in scaling.cases}
        found.append({"axis": point.axis, "value": point.value, "seconds_per_map": seconds})
    return {
        "network": scaling.network.architecture,
        "side": scaling.network.side,
        "window": scaling.window,
        "samples": scaling.samples,
        "points": found,
    }


def _points(settings: BenchmarkSettings, scaling: Scaling, device: Device) -> list[Point]:
    network = make_network(scaling.network, settings.seed)
    margin = settings.patch - settings.window

    def subject(side: int, window: int) -> Subject:
        inputs = make_inputs(settings, side, window, window + margin)
        return Subject(
            network, inputs.image, inputs.sampler, scaling.samples, device, settings.seed
        )

    base = subject(scaling.network.side, scaling.window)
    layers = layer_names(network, base)
    middle = scaling.layer or layers[len(layers) // 2]
    available = _feature_maps(network, middle)
    points = [Point("side", n, subject(n, scaling.window)) for n in scaling.sides]
    points += [Point("window", k, subject(scaling.network.side, k)) for k in scaling.windows]
    points += [Point("samples", s, replace(base, samples=s)) for s in scaling.sample_counts]
    points += [
        Point("classes", n, base, tuple(Node.probability(c) for c in range(n)))
        for n in scaling.classes
    ]
    points += [
        Point("feature_maps", n, base, tuple(Node.feature_map(middle, u) for u in range(n)))
        for n in sorted({min(n, available) for n in scaling.feature_maps})
    ]
    points += [
        Point("layers", n, base, tuple(Node.feature_map(x, 0) for x in _spread(layers, n)))
        for n in scaling.layers
    ]
    return points


def layer_names(network: "nn.Module", subject: Subject) -> list[str]:
    """Convolutions, in the order in which they run, by the names that nodes use."""
    import torch
    from torch import nn

    from prediction_difference.classifiers.networks import Preprocessed

    bare = network.network if isinstance(network, Preprocessed) else network
    names: list[str] = []
    hooks = [
        part.register_forward_hook(lambda *_, name=name: names.append(name))
        for name, part in bare.named_modules()
        if isinstance(part, nn.Conv2d | nn.Conv3d)
    ]
    try:
        with torch.inference_mode():
            network.to(subject.device)(torch.from_numpy(subject.image[None]).to(subject.device))
    finally:
        for hook in hooks:
            hook.remove()
    return names


def _feature_maps(network: "nn.Module", layer: str) -> int:
    """How many maps a convolution has.

    Raises:
        DataError: there is no convolution of this name.
    """
    from torch import nn

    try:
        part = network.get_submodule(layer)
    except AttributeError:
        part = None
    if not isinstance(part, nn.Conv2d | nn.Conv3d):
        raise DataError(
            f"scaling.layer: {layer}", "is no convolution of the network", "correct it, or null"
        )
    return part.out_channels


def _spread(layers: Sequence[str], count: int) -> list[str]:
    """So many of the layers, evenly spread; all of them if they are fewer."""
    chosen = np.linspace(0, len(layers) - 1, count + 2).round().astype(int)[1:-1]
    return [layers[i] for i in sorted(set(chosen.tolist()))]


def _seconds_per_map(point: Point, name: CaseName, scaling: Scaling) -> float | None:
    """Median over repeats; None where the case cannot be measured."""
    try:
        case = make_case(point.subject, name, nodes=point.nodes)
        rates = _rates(point.subject, case, scaling)
    except REFUSALS as error:
        reason = " ".join(str(error).split())
        say(f"{point.axis} {point.value}, {name}: is not measured: {reason}")
        return None
    seconds: float | None = rounded(point.subject.windows / np.median(rates))
    return seconds


def _rates(subject: Subject, case: Case, scaling: Scaling) -> list[float]:
    smallest = case.share(subject, 0, 0)
    case.run(smallest)
    windows = rate(subject, case, smallest) * scaling.seconds
    shares = [case.share(subject, windows, turn) for turn in range(scaling.repeats)]
    if case.is_by_rows:
        for share in shares:
            case.run(share)
    return [rate(subject, case, share) for share in shares]
