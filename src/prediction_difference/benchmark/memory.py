"""Peak memory of each case, in a process of its own."""

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

from prediction_difference.benchmark import machine
from prediction_difference.benchmark.cases import REFUSALS, make_case
from prediction_difference.benchmark.inputs import Inputs, make_network
from prediction_difference.benchmark.settings import CaseName, Device, Network
from prediction_difference.benchmark.subject import Subject
from prediction_difference.figures.drawing import rounded
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import ConditionalSampler

_MIB = 2**20
_BATCHES = 2


def measure_memory(
    network: Network,
    inputs: Inputs,
    samples: int,
    seed: int,
    device: Device,
    batches: Mapping[CaseName, int | None],
) -> dict[CaseName, Any]:
    """MiB that each case holds at its peak, and before it begins; of the GPU too, if it uses one.

    batches: images in a forward pass, by case; only cases named here are measured.
    """
    import torch

    threads = torch.get_num_threads()
    # The sampler's caches are for one process; its prior is not.
    image, prior, window = inputs.image, inputs.sampler.prior, inputs.sampler.window
    arguments = (network, image, prior, window, samples, seed, device, threads)
    return {case: _in_a_process(case, batch, *arguments) for case, batch in batches.items()}


def _in_a_process(case: CaseName, batch: int | None, *arguments: Any) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        try:
            return pool.submit(_peak_or_refusal, case, batch, *arguments).result()
        except BrokenProcessPool:
            return {"refused": "the process was killed, most likely for want of memory"}


def _peak_or_refusal(case: CaseName, batch: int | None, *arguments: Any) -> dict[str, Any]:
    # Said in words, as an error itself may not survive the way between processes.
    try:
        return _peak(case, batch, *arguments)
    except REFUSALS as error:
        return {"refused": " ".join(str(error).split())}


def _peak(
    name: CaseName,
    batch: int | None,
    network: Network,
    image: np.ndarray,
    prior: GaussianPatchPrior,
    window: int,
    samples: int,
    seed: int,
    device: Device,
    threads: int,
) -> dict[str, Any]:
    import torch

    torch.set_num_threads(threads)
    sampler = ConditionalSampler(prior, window)
    subject = Subject(make_network(network, seed), image, sampler, samples, device, seed)
    before = machine.peak_memory()
    case = make_case(subject, name, batch)
    # Two rows or two batches, so that what lives on between them is counted.
    smallest = case.share(subject, 0, 0).windows(subject.grid)
    case.run(case.share(subject, _BATCHES * smallest, 0))
    on_gpu = torch.cuda.max_memory_allocated() / _MIB if device == "cuda" else None
    return {
        "refused": None,
        "peak_mib": rounded(machine.peak_memory()),
        "before_mib": rounded(before),
        "gpu_peak_mib": rounded(on_gpu),
    }
