"""Forward passes a second of region perturbation, beside the bare classifier's."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.cases import bare_batch
from benchmarks.rounds import compared, in_rounds, timed, tried
from benchmarks.settings import BenchmarkSettings, Device, PerturbationCost
from benchmarks.subject import make_network, natural_image
from prediction_difference import randomness
from prediction_difference.attribution.engines.dense import placed
from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.attribution.engines.perturbed import PerturbedScores
from prediction_difference.choices import Precision
from prediction_difference.errors import DataError
from prediction_difference.evaluation.perturbation import perturbation_curves

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

BARE = "bare"
_CASES: Mapping[str, tuple[Precision, bool]] = {
    "whole": ("float32", False),
    "whole-bfloat16": ("bfloat16", False),
    "changes": ("float32", True),
    "changes-bfloat16": ("bfloat16", True),
}
"""Precision, and whether only what changes is recomputed."""


def measure_perturbation(settings: BenchmarkSettings, device: Device) -> dict[str, Any]:
    """Forward passes a second of every case, in turn within each round, JSON-like.

    The bare classifier runs at its best batch size, on images that lie ready with channels
    innermost.
    """
    import torch

    cost = settings.perturbation
    assert cost is not None
    (network,) = cost.networks.values()
    # As engines place it, so that the bare classifier keeps freed memory from the start, too.
    module = placed(make_network(network, settings.seed), device, torch.float32)
    image = natural_image(settings.seed, network.side)
    bare = {b: bare_batch(module, image, b, device) for b in settings.batches[device]}
    sweep = in_rounds(
        {str(b): _rate(partial(run, b), b, device) for b, run in bare.items()},
        settings.sweep_repeats,
    ).median()
    batch = int(str(sweep.idxmax()))
    cases = {n: partial(_case, module, image, cost, settings.seed, device, n) for n in _CASES}
    done, refused = tried(cases)
    forwards = cost.repeats * cost.steps + 1

    def passes() -> None:
        for _ in range(-(-forwards // batch)):
            bare[batch](batch)

    rates = {BARE: _rate(passes, -(-forwards // batch) * batch, device)}
    rates |= {name: _rate(run, forwards, device) for name, run in done.items()}
    measured = in_rounds(rates, settings.rounds)
    workload = cost.images * (cost.paper_repeats * cost.paper_steps + 1) * cost.configurations
    found = compared(measured, [BARE], refused)
    for name in rates:
        found[name]["hours"] = workload / measured[name].median() / 3600
    return {
        "cases": {name: found[name] for name in (BARE, *_CASES)},
        "batch": batch,
        "sweep": sweep.to_dict(),
        "forwards": workload,
        "multiply_accumulates": sum(multiply_accumulates(module, image)),
    }


def _rate(run: Callable[[], object], forwards: int, device: Device) -> Callable[[int], float]:
    return lambda _turn: forwards / timed(run, device)[0]


def _case(
    module: "nn.Module",
    image: "np.ndarray",
    cost: PerturbationCost,
    seed: int,
    device: Device,
    name: str,
) -> Callable[[], object]:
    """The curves of one map, as an evaluation makes them, after a first run."""
    precision, follows = _CASES[name]
    scores = PerturbedScores(module, device, precision)
    key = randomness.key(seed, "benchmark", "relevance")
    relevance = randomness.generator(key).normal(size=image.shape[1:])

    def along(*chains: Any) -> "Tensor":
        found = scores.along(*chains)
        if found is None:
            raise DataError(name, "whole passes do better here", "leave it out")
        return found[..., 0]

    run = partial(
        perturbation_curves,
        lambda images: scores(images)[:, 0],
        image,
        relevance,
        region=cost.region,
        steps=cost.steps,
        repeats=cost.repeats,
        seed=seed,
        device=device,
        batch_size=scores.batch_size(image),
        along=along if follows else None,
    )
    run()
    if scores.goes_on_in_float32:
        raise DataError(name, "a layer does not run in bfloat16", "leave it out")
    return run
