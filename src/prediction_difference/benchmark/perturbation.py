"""Forward passes a second of region perturbation, beside the bare classifier's."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.engines.dense import placed
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
from prediction_difference.choices import Precision
from prediction_difference.errors import DataError
from prediction_difference.evaluation.perturbation import perturbation_curves
from prediction_difference.figures.drawing import rounded
from prediction_difference.progress import say

if TYPE_CHECKING:
    from torch import Tensor, nn

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
    import torch

    # As engines place it, so that the bare classifier keeps freed memory from the start, too.
    module = placed(make_network(network, settings.seed), device, torch.float32)
    image = explained_image(settings, network.side)
    bare, batch, sweep = _best_bare(settings, module, image, device)
    cases, refused = _cases(settings, cost, module, image, device)
    forwards = cost.repeats * cost.steps + 1
    measured = _in_rounds(
        {
            BARE: (bare, batch, -(-forwards // batch)),
            **{n: (c, forwards, 1) for n, c in cases.items()},
        },
        settings.rounds,
        device,
    )
    workload = cost.images * (cost.paper_repeats * cost.paper_steps + 1) * cost.configurations
    found: dict[str, Any] = {name: {"refused": why} for name, why in refused.items()}
    for name, rates in measured.items():
        found[name] = {
            "refused": None,
            "forwards_per_second": summary(rates),
            "share_of_bare": ratios(measured, name, BARE),
            "hours": rounded(workload / np.median(rates) / 3600),
        }
    return {
        "cases": {name: found[name] for name in (BARE, *_CASES)},
        "batch": batch,
        "sweep": sweep,
        "forwards": workload,
        "multiply_accumulates": sum(multiply_accumulates(module, image)),
    }


def _best_bare(
    settings: BenchmarkSettings, module: "nn.Module", image: np.ndarray, device: Device
) -> tuple[Callable[[], object], int, dict[str, float | None]]:
    """The bare classifier at its best batch size, that size, and forwards a second of all sizes."""
    runs = {size: _bare(module, image, size, device) for size in settings.batches[device]}
    rates: dict[int, list[float]] = {size: [] for size in runs}
    for run in runs.values():
        run()
    for _ in range(settings.sweep_repeats):
        for size, run in runs.items():
            rates[size].append(size / timed(run, device))
    medians = {size: float(np.median(found)) for size, found in rates.items()}
    best = max(medians, key=lambda size: medians[size])
    return runs[best], best, {str(size): rounded(rate) for size, rate in medians.items()}


def _cases(
    settings: BenchmarkSettings,
    cost: PerturbationCost,
    module: "nn.Module",
    image: np.ndarray,
    device: Device,
) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """Cases that ran once, and why the others cannot be measured."""
    cases: dict[str, Callable[[], object]] = {}
    refused: dict[str, str] = {}
    for name, (precision, follows) in _CASES.items():
        try:
            scores = PerturbedScores(module, device, precision)
            run = _curves(scores, image, cost, settings.seed, device, follows)
            run()
            if scores.goes_on_in_float32:
                raise DataError(name, "a layer does not run in bfloat16", "leave it out")
            cases[name] = run
        except REFUSALS as error:
            refused[name] = " ".join(str(error).split())
            say(f"{name} is not measured: {refused[name]}")
    return cases, refused


def _bare(
    module: "nn.Module", image: np.ndarray, batch: int, device: Device
) -> Callable[[], object]:
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
