"""The architectures of the package; every network begins with its own preprocessing."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from prediction_difference.classifiers.detection_pooling import DetectionPooling
from prediction_difference.classifiers.kinds.detection_pooling import DetectionPoolingNetwork
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.normalisation import Normalisation


class Normalise(nn.Module):
    """(N, C, *spatial) images in 0 to 1 -> (scale * image - mean) / std per channel.

    is_reversed: whether channels are then turned round, as networks of the order BGR need it;
    mean and std are in the order of the result.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        scale: float = 1.0,
        is_reversed: bool = False,
    ):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))
        self.scale = scale
        self.is_reversed = is_reversed

    def forward(self, images: Tensor) -> Tensor:
        shape = (1, -1, *(1,) * (images.ndim - 2))
        if self.is_reversed:
            images = images[:, list(range(images.shape[1] - 1, -1, -1))]
        if self.scale != 1:
            images = self.scale * images
        return (images - self.mean.view(shape)) / self.std.view(shape)


class Preprocessed(nn.Module):
    """A network behind its preprocessing; the network's own layers keep their names."""

    def __init__(self, preprocessing: nn.Module, network: nn.Module):
        super().__init__()
        self.preprocessing = preprocessing
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(self.preprocessing(images))

    def get_submodule(self, target: str) -> nn.Module:
        """A layer by the name that it has in the bare network, or else in this one."""
        try:
            return self.network.get_submodule(target)
        except AttributeError:
            # As torch asks for it when it traces a network with buffers that are not saved.
            return super().get_submodule(target)


def with_preprocessing(network: nn.Module, normalisation: Normalisation | None) -> nn.Module:
    """A network that takes images as a person looks at them: its first layer normalises them."""
    if normalisation is None:
        return network
    n = normalisation
    return Preprocessed(Normalise(n.mean, n.std, n.scale, n.order == "bgr"), network)


def all_convolutional(
    channels: int,
    classes: int,
    width: int,
    dropout: float,
    halvings: int = 1,
    pooling: Literal["strides", "max"] = "strides",
) -> nn.Sequential:
    """ALL-CNN for small images [springenberg2015]: strided convolutions in place of pooling.

    The last convolution has one feature map per class; its mean over the image is the score. With
    two halvings and a width of 96 it is the source's ALL-CNN-C, but that the first strided layer is
    a wide one and the last but one looks at 3 x 3 values. With pooling "max", convolutions of the
    same sizes without strides are followed by maxima of 2 x 2 values.
    """
    wide = 2 * width
    layers = [*_block(channels, width), *_block(width, width)]
    for inputs in (width, *(wide,) * (halvings - 1)):
        layers += [*_halved(inputs, wide, pooling), nn.Dropout(dropout)]
        layers += [*_block(wide, wide), *_block(wide, wide)]
    last = [nn.Dropout(dropout), nn.Conv2d(wide, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *last)


def volume_convolutional(
    channels: int, classes: int, width: int, dropout: float, halvings: int = 1
) -> nn.Sequential:
    """A small ALL-CNN for volumes, such as a slab of a brain: 3 x 3 x 3 convolutions with strides.

    The first layer halves the resolution already, so that two cores train it in minutes on a
    hundred subjects. The last convolution has one map per class, whose mean is the score.
    """
    wide = 2 * width
    layers = [*_block3d(channels, width, stride=2)]
    for inputs in (width, *(wide,) * (halvings - 1)):
        layers += [*_block3d(inputs, wide, stride=2), nn.Dropout(dropout), *_block3d(wide, wide)]
    last = [nn.Dropout(dropout), nn.Conv3d(wide, classes, 1), nn.AdaptiveAvgPool3d(1), nn.Flatten()]
    return nn.Sequential(*layers, *last)


def _block3d(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv3d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm3d(outputs), nn.ReLU()


def _halved(inputs: int, outputs: int, pooling: str) -> tuple[nn.Module, ...]:
    """Layers that halve the resolution."""
    if pooling == "max":
        return (*_block(inputs, outputs), nn.MaxPool2d(2))
    return _block(inputs, outputs, stride=2)


def _block(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def build(
    settings: TrainedNetwork | DetectionPoolingNetwork,
    shape: Sequence[int],
    classes: int,
) -> nn.Module:
    """A network for images of a shape (C, *spatial), trained in the pipeline, before training."""
    if isinstance(settings, DetectionPoolingNetwork):
        return DetectionPooling(
            math.prod(shape),
            settings.detectors,
            settings.pooled,
            threshold=settings.target / 2,
            relevance_models=settings.relevance_models,
        )
    s = settings
    if s.architecture == "volume-convolutional":
        return volume_convolutional(shape[0], classes, s.width, s.dropout, s.halvings)
    return all_convolutional(shape[0], classes, s.width, s.dropout, s.halvings, s.pooling)
