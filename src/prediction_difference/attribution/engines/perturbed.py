"""Class scores of perturbed images: of each by itself, or of those that come of one another."""

import functools
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from prediction_difference.attribution.engines.chains import Chains
from prediction_difference.attribution.engines.dense import (
    fitting_batch,
    placed,
    takes_channels_last,
)
from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.attribution.engines.plan import SPEED
from prediction_difference.attribution.engines.sampled import check_scores
from prediction_difference.choices import Precision
from prediction_difference.classifiers.graph import Graph, NotFollowedError, follow
from prediction_difference.progress import say

if TYPE_CHECKING:
    from torch import nn

_TRACING = 10.0
"""Seconds of whole passes from which it is worth to trace a network, which takes some."""
_WHOLE = "running the network whole for every perturbed image"
_TOLERANCE = 1e-3
"""Of the largest score: how far the graph may be from the module that it was traced from."""


class PerturbedScores:
    """A torch module, (N, C, *spatial) -> (N, K) class scores, in one precision.

    forwards: images that it will be run on, about; for few of them it is not traced.
    """

    def __init__(
        self,
        module: "nn.Module",
        device: str = "cpu",
        precision: Precision = "float32",
        forwards: int = 1_000_000,
    ):
        self._dtype: torch.dtype = getattr(torch, precision)
        self._original = placed(module, device, torch.float32)
        self._module = placed(module, device, self._dtype)
        self._whole_dtype = self._dtype
        self._device = device
        self._forwards = forwards
        self._is_innermost: dict[tuple[int, ...], bool] = {}
        self._graphs: dict[tuple[int, ...], Graph | None] = {}
        self._chains: dict[tuple[tuple[int, ...], int], Chains] = {}

    def __call__(self, images: Tensor) -> Tensor:
        """(N, C, *spatial) -> (N, K) float32.

        Raises:
            DataError: they are not finite.
        """
        shape = tuple(images.shape[1:])
        if shape not in self._is_innermost:
            self._go_on_in_float32_if_needed(images[:1])
            some = images[0].to(self._whole_dtype)
            self._is_innermost[shape] = takes_channels_last(self._module, some)
        images = images.to(self._whole_dtype)
        if not self._is_innermost[shape]:
            images = images.contiguous()
        return check_scores(self._module(images)).float()

    @property
    def goes_on_in_float32(self) -> bool:
        """Whether whole passes turned out not to run in the low precision that was asked for."""
        return self._whole_dtype != self._dtype

    def _go_on_in_float32_if_needed(self, images: Tensor) -> None:
        """Not all of torch's layers run in low precision on CPUs."""
        if self._whole_dtype == torch.float32:
            return
        try:
            self._module(images.to(self._whole_dtype).contiguous())
        except RuntimeError as error:
            _say_once(f"running the network in float32: {str(error).splitlines()[0]}")
            self._module, self._whole_dtype = self._original, torch.float32

    def along(self, image: Tensor, corners: np.ndarray, contents: Tensor) -> Tensor | None:
        """Class scores (chains, L + 1, K) of chains; None where whole passes do better.

        See `Chains.scores`. On GPUs always whole passes: links are written one after another there
        too, many small calls, and whether that pays has not been measured.
        """
        shape, side = tuple(image.shape), contents.shape[-1]
        if self._device != "cpu" or len(set(contents.shape[3:])) > 1:
            return None
        if shape not in self._graphs:
            self._graphs[shape] = self._followed(image)
        graph = self._graphs[shape]
        if graph is None:
            return None
        if (shape, side) not in self._chains:
            self._chains[shape, side] = Chains(graph, side, self._dtype)
        chains = self._chains[shape, side]
        if not chains.pays(len(corners)):
            return None
        return check_scores(chains.scores(image, corners, contents).flatten(0, 1)).unflatten(
            0, (len(contents), -1)
        )

    def batch_size(self, image: np.ndarray) -> int:
        """Images (C, *spatial) like this one that a forward pass takes at once."""
        tensor = torch.tensor(image, dtype=torch.float32, device=self._device)
        return fitting_batch(self._original, tensor)

    def _followed(self, image: Tensor) -> Graph | None:
        products = multiply_accumulates(self._original, image.cpu().numpy())
        if products and sum(products) * self._forwards / SPEED < _TRACING:
            return None
        try:
            graph = follow(self._original, image)
            images = torch.stack([image, 0.5 * image.flip(-1)])
            found, expected = graph.run(images)[graph.output], self._original(images)
        except (NotFollowedError, RuntimeError) as error:
            _say_once(f"{_WHOLE}: {str(error).splitlines()[0]}")
            return None
        if float((found - expected).abs().max()) > _TOLERANCE * float(expected.abs().max()):
            _say_once(f"{_WHOLE}: the followed steps give other values than the network")
            return None
        return graph


@functools.cache
def _say_once(text: str) -> None:
    """However many images there are."""
    say(text)
