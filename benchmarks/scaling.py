"""How cost grows with the image, the window, the samples and the nodes."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cases import make_case
from benchmarks.rounds import tried
from benchmarks.settings import BenchmarkSettings, CaseName, Device
from benchmarks.subject import Subject, make_network, make_subject
from prediction_difference.attribution.nodes import Node
from prediction_difference.progress import track

AXES = {
    "side": "side of the image, pixels",
    "window": "side of the window, k",
    "samples": "samples, S",
    "classes": "class nodes",
    "feature_maps": "feature maps of one layer",
    "layers": "layers, a feature map of each",
}
"""What is varied, each alone; in words."""

Point = tuple[str, int, Subject, tuple[Node, ...]]
"""What is varied, its value, and what is measured there: without nodes, the predicted class."""


def measure_scaling(settings: BenchmarkSettings, device: Device) -> dict[str, Any]:
    """Seconds of a whole map at every point, from a share of its windows, JSON-like."""
    scaling = settings.scaling
    assert scaling is not None
    found = []
    for axis, value, subject, nodes in track([*_points(settings, device)], "settings measured"):

        def seconds(case: CaseName, subject: Subject = subject, nodes: Any = nodes) -> float:
            made = make_case(subject, case, nodes=nodes).warmed_up()
            windows = made.rate(0) * scaling.seconds
            rates = [made.rate(windows, turn) for turn in range(scaling.repeats)]
            return subject.windows / float(np.median(rates))

        done, _ = tried({case: partial(seconds, case) for case in scaling.cases})
        per_map = {case: done.get(case) for case in scaling.cases}
        found.append({"axis": axis, "value": value, "seconds_per_map": per_map})
    return {
        "network": scaling.network.architecture,
        "side": scaling.network.side,
        "window": scaling.window,
        "samples": scaling.samples,
        "points": found,
    }


def _points(settings: BenchmarkSettings, device: Device) -> Iterator[Point]:
    scaling = settings.scaling
    assert scaling is not None
    network, margin = scaling.network, settings.patch - settings.window
    module = make_network(network, settings.seed)

    def subject(
        side: int = network.side, window: int = scaling.window, samples: int = scaling.samples
    ) -> Subject:
        varied = {"window": window, "patch": window + margin, "samples": samples}
        at = network.model_copy(update={"side": side})
        return make_subject(settings.model_copy(update=varied), at, device, module)

    yield from (("side", n, subject(side=n), ()) for n in scaling.sides)
    yield from (("window", k, subject(window=k), ()) for k in scaling.windows)
    yield from (("samples", s, subject(samples=s), ()) for s in scaling.sample_counts)
    base, sizes = subject(), convolutions(module)
    for n in scaling.classes:
        yield "classes", n, base, tuple(Node.probability(c) for c in range(n))
    middle = list(sizes)[len(sizes) // 2]
    for n in sorted({min(n, sizes[middle]) for n in scaling.feature_maps}):
        yield "feature_maps", n, base, tuple(Node.feature_map(middle, u) for u in range(n))
    for n in scaling.layers:
        yield "layers", n, base, tuple(Node.feature_map(x, 0) for x in _spread([*sizes], n))


def convolutions(network: Any) -> dict[str, int]:
    """How many feature maps each convolution has, by the names that nodes use, in their order."""
    from torch import nn

    from prediction_difference.classifiers.networks import Preprocessed

    bare = network.network if isinstance(network, Preprocessed) else network
    kinds = (nn.Conv2d, nn.Conv3d)
    return {n: part.out_channels for n, part in bare.named_modules() if isinstance(part, kinds)}


def _spread(layers: Sequence[str], count: int) -> list[str]:
    """So many of the layers, evenly spread; all of them if they are fewer."""
    chosen = np.linspace(0, len(layers) - 1, count + 2).round().astype(int)[1:-1]
    return [layers[i] for i in sorted(set(chosen.tolist()))]
