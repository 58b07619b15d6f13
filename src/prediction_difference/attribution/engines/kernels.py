"""Convolutions without a bias, their weights prepared once."""

import torch
from torch import Tensor

from prediction_difference.attribution.engines.winograd import Winograd
from prediction_difference.classifiers.operations import CONVOLUTIONS, Convolution, Places

_LAYOUTS = {2: torch.channels_last, 3: torch.channels_last_3d}


def with_plain_strides(images: Tensor) -> Tensor:
    """(N, C, *sides) as they are, but where C is 1 with the strides of channels outermost.

    Both orders of channels are then the same in memory. With the strides of the other one oneDNN
    reads beyond the images where a convolution strides along rows alone and a row gives one value.
    """
    return images[:, 0].unsqueeze(1) if images.shape[1] == 1 else images


class Kernel:
    """The weights of a convolution in one precision.

    pads: whether zeros around a change are left to the convolution, which leaves them out, and not
    written down. is_packed: whether weights are kept in the order in which the CPU's library reads
    them, which otherwise is made for every call. transforms: whether values and weights may be
    transformed so that fewer multiplications are needed.
    """

    def __init__(
        self,
        operation: Convolution,
        dtype: torch.dtype,
        pads: bool = True,
        is_packed: bool = True,
        transforms: bool = True,
    ):
        axes = len(operation.stride)
        self.dtype = dtype
        self.pads = pads
        self._convolve = CONVOLUTIONS[axes]
        self._operation = operation
        self._weight = operation.weight.to(dtype).contiguous(memory_format=_LAYOUTS[axes])
        self._packed: Tensor | None = None
        self._has_one_channel = self._weight.shape[1] == operation.groups == 1
        can_pack = self._weight.device.type == "cpu" and not self._has_one_channel
        self._is_packed = is_packed and can_pack
        can_transform = transforms and Winograd.fits(operation, dtype)
        self._winograd = Winograd(operation) if can_transform else None

    def __call__(self, images: Tensor, padding: Places) -> Tensor:
        """(N, C, *sides), zeros around it -> (N, outputs, *sides), with channels innermost."""
        images = images.to(self.dtype)
        images = with_plain_strides(images)
        tile = self._winograd and self._winograd.tile(tuple(images.shape[2:]), padding)
        if self._winograd and tile:
            return self._winograd(images, padding, tile)
        o = self._operation
        if self._has_one_channel:
            # oneDNN 3.13 leaves parts of the output unwritten for one channel, uneven strides and
            # an output one place wide, unless the strides of the input are those of channels first.
            images = images[:, 0].unsqueeze(1)
        if self._is_packed and self._packed is None:
            self._pack(images)
        if self._packed is not None:
            found: Tensor = torch.ops.mkldnn._convolution_pointwise(
                images, self._packed, None, padding, o.stride, o.dilation, o.groups, "none", [], ""
            )
            return found
        return self._convolve(images, self._weight, None, o.stride, padding, o.dilation, o.groups)

    def __getstate__(self) -> dict[str, object]:
        """Without the packed weights, which cannot be copied; they are made again."""
        return {**self.__dict__, "_packed": None}

    def _pack(self, images: Tensor) -> None:
        """Try to: what is used is not part of torch's promises."""
        o = self._operation
        try:
            self._packed = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, o.padding, o.stride, o.dilation, o.groups, list(images.shape)
            )
        except (AttributeError, RuntimeError):
            self._is_packed = False
