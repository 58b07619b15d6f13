"""Full forward passes: every draw is pasted into the image and the classifier runs on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference.attribution.engines.layers import recorded
from prediction_difference.attribution.engines.protocol import Expectation
from prediction_difference.attribution.engines.refusal import check_network, taking
from prediction_difference.attribution.engines.sampled import (
    check_scores,
    in_batches,
    sampled_expectation,
    values_of,
)
from prediction_difference.attribution.nodes import Node
from prediction_difference.choices import Precision
from prediction_difference.classifiers.device import keep_freed_memory
from prediction_difference.errors import DataError
from prediction_difference.priors.draws import Sampler

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_BATCH_BYTES = {"cpu": 256 * 2**20, "cuda": 16 * 2**30}
"""Activations alive at a time; on CPUs they should stay near the caches."""
_BATCHES = range(10, 513)
_ALIVE = 3
"""Tensors as large as the largest output that a network keeps alive at a time, about."""


class DenseEngine:
    """Full forward passes of any torch module: (N, C, *spatial) -> (N, K) class scores.

    batch_size: images per forward pass; None: sized to memory.
    """

    def __init__(
        self,
        module: "nn.Module",
        device: str = "cpu",
        batch_size: int | None = None,
        precision: Precision = "float32",
    ):
        import torch

        self._dtype = getattr(torch, precision)
        self._module = placed(module, device, self._dtype)
        self._device = device
        self._batch_size = batch_size
        self._examined: dict[tuple[int, ...], bool] = {}

    def prepare(self, image: np.ndarray) -> "DenseImage":
        """(C, *spatial) -> the image, run once; see `Engine`.

        Raises:
            DataError: also if the classifier is random, or mixes the images of a batch.
        """
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).to(self._device)
        shape = tuple(tensor.shape)
        if shape not in self._examined:
            examine(self._module, tensor.to(self._dtype))
            self._examined[shape] = takes_channels_last(self._module, tensor.to(self._dtype))
        batch_size = self._batch_size or fitting_batch(self._module, tensor.to(self._dtype))
        return DenseImage(self._module, tensor, self._dtype, batch_size, self._examined[shape])


def placed(module: "nn.Module", device: str, dtype: "torch.dtype") -> "nn.Module":
    """The module in evaluation mode on a device; a copy, if its numbers have to change."""
    import copy

    import torch

    check_network(module)
    module = module.eval()
    if device == "cpu":
        keep_freed_memory()
    if dtype != torch.float32:
        module = copy.deepcopy(module).to(dtype)
    return module.to(device)


@dataclass(frozen=True)
class DenseImage:
    """An image (C, *spatial) on its device, and the module that is explained on it.

    channels_last: whether the module takes images with channels innermost in memory.
    """

    module: "nn.Module"
    image: "Tensor"
    dtype: "torch.dtype"
    batch_size: int
    channels_last: bool

    @property
    def features(self) -> np.ndarray:
        """(C, *spatial) what windows are taken on: the image, or a layer's output in its place."""
        return self.image.cpu().numpy()

    @cached_property
    def scores(self) -> np.ndarray:
        """(K,) class scores."""
        import torch

        with torch.inference_mode():
            scores = self.module(self.image[None].to(self.dtype))
        return scores[0].double().cpu().numpy()

    def values(self, nodes: Sequence[Node]) -> np.ndarray:
        """(nodes,) of the image as it is."""
        import torch

        with torch.inference_mode():
            return self._evaluate(self.image[None], nodes)[0].cpu().numpy()

    def expectation(
        self,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """Paste every draw into the image and run the classifier on it; see `Prepared`."""
        return sampled_expectation(
            self.image, self.outcomes, corners, sampler, samples, seed, nodes
        )

    def outcomes(self, corners: "Tensor", contents: "Tensor", nodes: Sequence[Node]) -> "Tensor":
        """See `sampled.Outcomes`."""
        windows, samples = contents.shape[:2]
        flat = contents.flatten(0, 1)
        owners = corners.repeat_interleave(samples, dim=0)

        def run(part: slice) -> "Tensor":
            batch = pasted(self.image, owners[part], flat[part])
            return self._evaluate(batch if self.channels_last else batch.contiguous(), nodes)

        values, _ = in_batches(run, len(flat), self.batch_size)
        return values.reshape(windows, samples, len(nodes))

    def _evaluate(self, batch: "Tensor", nodes: Sequence[Node]) -> "Tensor":
        """(N, C, *spatial) -> (N, nodes) float64."""
        from prediction_difference.attribution.engines.kernels import with_plain_strides

        batch = with_plain_strides(batch)
        with recorded(self.module, nodes) as layers:
            scores = self.module(batch.to(self.dtype))
        return values_of(nodes, check_scores(scores), layers)


def pasted(image: "Tensor", corners: "Tensor", contents: "Tensor") -> "Tensor":
    """(C, *spatial), (N, d), (N, C, *window) -> (N, C, *spatial): one copy per content.

    Channels lie innermost in memory, as convolutions like them best.
    """
    import torch

    channels, *spatial = image.shape
    # A plain clone would keep the order of the image's own memory.
    rows = (
        image.flatten(1)
        .T.expand(len(contents), -1, -1)
        .clone(memory_format=torch.contiguous_format)
    )
    places = window_places(corners, contents.shape[2:], tuple(spatial))
    new = contents.to(rows.dtype).flatten(2).transpose(1, 2)
    rows.scatter_(1, places[:, :, None].expand(-1, -1, channels), new)
    return torch.movedim(rows.reshape(len(contents), *spatial, channels), -1, 1)


def window_places(corners: "Tensor", window: tuple[int, ...], spatial: tuple[int, ...]) -> "Tensor":
    """(n, d) corners -> (n, k^d) places of the window's pixels in the flattened image."""
    import torch

    places = torch.zeros(len(corners), 1, dtype=torch.long, device=corners.device)
    for axis, (side, length) in enumerate(zip(window, spatial, strict=True)):
        along = corners[:, axis, None] + torch.arange(side, device=corners.device)
        places = (places[:, :, None] * length + along[:, None, :]).flatten(1)
    return places


def takes_channels_last(module: "nn.Module", image: "Tensor") -> bool:
    """Whether a module runs on (N, C, *spatial) with channels innermost in memory.

    Convolutions are fastest so, but code with `view` may refuse it. image: (C, *spatial).
    """
    import torch

    innermost = image.movedim(0, -1).expand(2, *image.shape[1:], image.shape[0]).contiguous()
    with torch.inference_mode():
        try:
            module(innermost.movedim(-1, 1))
        except RuntimeError:
            return False
    return True


def fitting_batch(module: "nn.Module", image: "Tensor") -> int:
    """Images of this size that a forward pass takes at once, from the largest output inside."""
    import torch

    largest = image.nbytes

    def note(_module: "nn.Module", _inputs: object, output: object) -> None:
        nonlocal largest
        if isinstance(output, torch.Tensor):
            largest = max(largest, output.nbytes)

    parts = [part for part in module.modules() if not isinstance(part, torch.jit.ScriptModule)]
    hooks = [part.register_forward_hook(note) for part in parts]
    try:
        with torch.inference_mode():
            module(image[None])
    finally:
        for hook in hooks:
            hook.remove()
    fitting = _BATCH_BYTES[image.device.type] // (_ALIVE * largest)
    return int(np.clip(fitting, _BATCHES[0], _BATCHES[-1]))


def examine(module: "nn.Module", image: "Tensor") -> None:
    """Refuse a classifier whose values would be wrong without anybody noticing.

    image: (C, *spatial).

    Raises:
        DataError: it does not take the image, returns other than finite class scores (N, K), is
            random, mixes the images of a batch, or returns probabilities.
    """
    import torch

    other = image.flip(-1) * 0.5
    with torch.inference_mode(), taking(module, image.shape):
        alone, again = module(image[None]), module(image[None])
        together = module(torch.stack([other, image, other]))
    check_scores(alone)
    if not torch.equal(alone, again):
        raise DataError(
            "classifier",
            "returns other scores for the same image",
            "switch its randomness off (dropout that stays on in evaluation mode?)",
        )
    scale = 1 + float(alone.abs().max())
    if (together.shape[0] != 3) or float((together[1] - alone[0]).abs().max()) > 0.02 * scale:
        raise DataError(
            "classifier",
            "returns other scores when the image stands in a batch",
            "let it treat every image alone (batch normalisation without running statistics?)",
        )
    if _are_probabilities(together.double()):
        raise DataError(
            "classifier",
            "returns probabilities: not negative, with the sum 1",
            "let it return class scores, as they are before the softmax",
        )


def _are_probabilities(scores: "Tensor") -> bool:
    sums = scores.sum(1)
    return bool((scores >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all())
