"""Forward passes a second of region perturbation, beside the bare classifier's."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.engines.dense import Precision
from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.attribution.engines.perturbed import PerturbedScores
from prediction_difference.benchmark.cases import REFUSALS
from prediction_difference.benchmark.inputs import explained_image, make_network
from prediction_difference.benchmark.settings import (
    BenchmarkSettings,
    Device,
    Network,
    PerturbationCost,
)
from prediction_difference.benchmark.speed import ratios
from prediction_difference.benchmark.timing import summary, timed
from prediction_difference.errors import DataError
from prediction_difference.evaluation.perturbation import perturbation_curves
from prediction_difference.progress import say

if TYPE_CHECKING:
    from torch import Tensor

BARE = "bare"
_CASES: Mapping[str, tuple[Precision, bool]] = {
    "whole": ("float32", False),
    "whole-bfloat16": ("bfloat16", False),
    "changes": ("float32", True),
    "changes-bfloat16": ("bfloat16", True),
}
"""Precision, and whether only what changes is recomputed."""


def measure_perturbation(
    settings: BenchmarkSettings, cost: PerturbationCost, network: Network, device: Device
) -> dict[str, Any]:
    """Forward passes a second of every case, in turn within each round, JSON-like.

    The bare classifier runs at its best batch size, on images that lie ready with channels
    innermost. Its share is formed within each round, since the speed of a machine drifts.
    """
    module = make_network(network, settings.seed).to(device)
    image = explained_image(settings, network.side)
    sweep = {size: _bare(module, image, size, device) for size in settings.batches[device]}
    for size in list(sweep):
        timed(sweep[size], device)
    rates = {
        size: np.median([size / timed(run, device) for _ in range(settings.sweep_repeats)])
        for size, run in sweep.items()
    }
    best = max(rates, key=lambda size: rates[size])
    cases: dict[str, Callable[[], object]] = {}
    refused: dict[str, str] = {}
    forwards = cost.repeats * cost.steps + 1
    for name, (precision, follows) in _CASES.items():
        try:
            scores = PerturbedScores(module, device, precision)
            cases[name] = _curves(scores, image, cost, settings.seed, device, follows)
            cases[name]()
        except REFUSALS as error:
            refused[name] = " ".join(str(error).split())
            say(f"{name} is not measured: {refused[name]}")
    batches = -(-forwards // best)
    found = _in_rounds(
        {BARE: (sweep[best], best, batches), **{n: (run, forwards, 1) for n, run in cases.items()}},
        settings.rounds,
        device,
    )
    workload = cost.images * (cost.paper_repeats * cost.paper_steps + 1) * cost.configurations
    result: dict[str, Any] = {name: {"refused": why} for name, why in refused.items()}
    for name, measured in found.items():
        result[name] = {
            "refused": None,
            "forwards_per_second": summary(measured),
            "share_of_bare": ratios(found, name, BARE),
            "hours": workload / float(np.median(measured)) / 3600,
        }
    return {
        "cases": {name: result[name] for name in (BARE, *_CASES)},
        "batch": best,
        "sweep": {str(size): float(rate) for size, rate in rates.items()},
        "forwards": workload,
        "multiply_accumulates": sum(multiply_accumulates(module, image)),
        "target": cost.target,
    }


def _bare(module: Any, image: np.ndarray, batch: int, device: Device) -> Callable[[], object]:
    import torch

    images = torch.from_numpy(np.repeat(image[None], batch, axis=0)).to(device)
    images = images.contiguous(memory_format=torch.channels_last)

    def run() -> None:
        with torch.inference_mode():
            module(images)

    return run


def _curves(
    scores: PerturbedScores,
    image: np.ndarray,
    cost: PerturbationCost,
    seed: int,
    device: Device,
    follows: bool,
) -> Callable[[], object]:
    """The curves of one map, as an evaluation makes them."""
    key = randomness.key(seed, "benchmark", "relevance")
    relevance = randomness.generator(key).normal(size=image.shape[1:])
    batch_size = scores.batch_size(image)

    def along(*chains: Any) -> "Tensor":
        found = scores.along(*chains)
        if found is None:
            raise DataError("changes", "whole passes do better here", "leave it out")
        return found[..., 0]

    def run() -> object:
        return perturbation_curves(
            lambda images: scores(images)[:, 0],
            image,
            relevance,
            region=cost.region,
            steps=cost.steps,
            repeats=cost.repeats,
            seed=seed,
            device=device,
            batch_size=batch_size,
            along=along if follows else None,
        )

    return run


def _in_rounds(
    cases: Mapping[str, tuple[Callable[[], object], int, int]], rounds: int, device: Device
) -> dict[str, list[float]]:
    """Forward passes a second of each round. cases: what to run, its forwards, how many times."""
    rates: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for turn in range(rounds):
        first = turn % len(names)
        for name in [*names[first:], *names[:first]]:
            run, forwards, times = cases[name]
            seconds = sum(timed(run, device) for _ in range(times))
            rates[name].append(forwards * times / seconds)
        told = ", ".join(f"{name} {values[-1]:.3g}" for name, values in rates.items())
        say(f"round {turn + 1} of {rounds}, forwards/s: {told}")
    return rates
