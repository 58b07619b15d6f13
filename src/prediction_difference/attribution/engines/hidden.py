"""A hidden layer as what is removed [zintgraf2017, section 3.3, eq. 5]."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prediction_difference.attribution.engines.dense import (
    DenseImage,
    examine,
    fitting_batch,
    placed,
    takes_channels_last,
)
from prediction_difference.attribution.engines.layers import checked_output, find_layer
from prediction_difference.errors import DataError

_ROUNDING = 1e-4
"""Of class scores, against the largest of them."""


class Beyond(nn.Module):
    """What a network makes of the output of one of its layers, for one image (C, *spatial).

    It takes activations (N, units, *places) in place of the layer's own, or (N, 1, units, *places)
    where units are removed one by one and where the layer is a vector, and returns class scores
    (N, K). What does not depend on the layer is as the image makes it.

    Raises:
        DataError: the layer is unknown, used never or more than once, or returns no single array.
    """

    def __init__(self, network: nn.Module, layer: str, image: Tensor, units: bool):
        super().__init__()
        self.network = network
        self.layer = layer
        self._image = image
        activations, self._deeper = _run_once(network, layer, image)
        self._is_single = units or activations.ndim == 1
        self.features = activations[None] if self._is_single else activations
        self._runs_once = False
        self._runs_once = self._can_run_once()

    def forward(self, activations: Tensor) -> Tensor:
        count = 1 if self._runs_once else len(activations)
        batch = self._image.expand(count, *self._image.shape)
        own = activations.squeeze(1) if self._is_single else activations

        def replace(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return own.to(output.dtype).clone()

        handle = find_layer(self.network, self.layer).register_forward_hook(replace)
        try:
            scores: Tensor = self.network(batch)
        finally:
            handle.remove()
        # A network whose scores do not depend on the layer returns them for one image.
        return scores.expand(len(activations), *scores.shape[1:])

    def _can_run_once(self) -> bool:
        """Whether layers before the removed one can see one image instead of a batch.

        So it is where later ones broadcast: in a chain and through additions, but not where
        outputs are concatenated.
        """
        some = self.features
        batch = torch.stack([some, some.flip(-1) * 0.5, some * 0.9])
        with torch.inference_mode():
            expected = self(batch)
            self._runs_once = True
            try:
                found = self(batch)
            except RuntimeError:
                return False
        scale = float(expected.abs().max())
        return bool((found - expected).abs().max() <= _ROUNDING * scale)

    def get_submodule(self, target: str) -> nn.Module:
        """A layer that comes after the removed one, by its name in the network.

        Raises:
            DataError: it comes before, or is the removed one.
        """
        found = self.network.get_submodule(target)
        if id(found) not in self._deeper:
            raise DataError(
                f"layer {target!r}",
                f"does not come after {self.layer!r}, whose units are removed",
                "explain a node of a deeper layer",
            )
        return found


def _run_once(network: nn.Module, layer: str, image: Tensor) -> tuple[Tensor, set[int]]:
    """A layer's output (units, *places), and the ids of the modules that end after it."""
    removed, outputs = find_layer(network, layer), []
    ended: dict[int, int] = {}

    def note(module: nn.Module, _inputs: Any, output: Any) -> None:
        if module is removed:
            outputs.append(checked_output(layer, output).clone())
        ended[id(module)] = len(outputs)

    handles = [module.register_forward_hook(note) for module in network.modules()]
    try:
        with torch.inference_mode():
            network(image[None])
    finally:
        for handle in handles:
            handle.remove()
    if len(outputs) != 1:
        raise DataError(
            f"layer {layer!r}",
            f"is used {len(outputs)} times for the class scores",
            "name a layer that is used once",
        )
    deeper = {one for one, count in ended.items() if count == 1} - {id(removed)}
    return outputs[0][0], deeper


class HiddenLayerEngine:
    """Full forward passes with windows of a layer's output replaced, instead of the image's.

    units: every unit is a window of its own: the output is seen as (1, units, *places), in which
    windows have side 1; a vector (units,) is always seen so.
    """

    def __init__(
        self,
        module: nn.Module,
        layer: str,
        units: bool = False,
        device: str = "cpu",
        batch_size: int | None = None,
    ):
        self._module = placed(module, device, torch.float32)
        self._layer = layer
        self._units = units
        self._device = device
        self._batch_size = batch_size
        self._channels_last: bool | None = None

    def prepare(self, image: np.ndarray) -> DenseImage:
        """(C, *spatial) -> the image, run once up to the layer; see `Engine`.

        Raises:
            DataError: also if the layer is unknown or its output no single array.
        """
        tensor = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
        tensor = tensor.to(self._device)
        if self._channels_last is None:
            examine(self._module, tensor)
        beyond = Beyond(self._module, self._layer, tensor, self._units)
        if self._channels_last is None:
            examine(beyond, beyond.features)
            self._channels_last = takes_channels_last(beyond, beyond.features)
        batch_size = self._batch_size or fitting_batch(beyond, beyond.features)
        return DenseImage(beyond, beyond.features, torch.float32, batch_size, self._channels_last)
