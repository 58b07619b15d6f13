"""Networks of which the last layers are replaced by convolutions and trained [kumar2017, 4.1]."""

from torch import Tensor, nn

from prediction_difference.classifiers import pretrained
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.kinds.torchvision import TorchvisionNetwork
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.errors import DataError

FIRST = "network.head.0.weight"
"""Of the new layers, as the weights of a preprocessed network name it."""


class FineTuned(nn.Module):
    """Layers that are kept, and new ones behind them."""

    def __init__(self, body: nn.Module, head: nn.Module):
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, y, x) -> (N, K) scores."""
        found: Tensor = self.head(self.body(images))
        return found


def load_body(settings: FineTunedNetwork) -> nn.Module:
    """The layers that are kept, with their weights.

    Raises:
        DataError: as `pretrained.load_torchvision`, or the network has no such layer.
    """
    network, _ = _whole(settings).load()
    return _part(network, settings)


def build_body(settings: FineTunedNetwork) -> nn.Module:
    """The layers that are kept, without their weights."""
    return _part(pretrained.torchvision_network(settings.model), settings)


def new_head(settings: FineTunedNetwork, maps: int, classes: int) -> nn.Sequential:
    """Two convolutions, the second with a map for each class, and the maps' means."""
    return nn.Sequential(
        nn.Conv2d(maps, settings.width, 3, padding=1),
        nn.ReLU(),
        nn.Dropout(settings.dropout),
        nn.Conv2d(settings.width, classes, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def of_head(settings: FineTunedNetwork) -> TrainedNetwork:
    """How the new layers are trained."""
    shared = {"epochs", "batch_size", "learning_rate", "weight_decay", "dropout", "dataset"}
    return TrainedNetwork(kind=TrainedNetwork.word(), **settings.model_dump(include=shared))


def _whole(settings: FineTunedNetwork) -> TorchvisionNetwork:
    shared = {"dataset", "model", "weights", "normalisation"}
    return TorchvisionNetwork(kind=TorchvisionNetwork.word(), **settings.model_dump(include=shared))


def _part(network: nn.Module, settings: FineTunedNetwork) -> nn.Module:
    parts = dict(network.named_children())
    if settings.layer not in parts:
        what = f"{settings.model} has no part {settings.layer!r}"
        raise DataError("layer", what, f"choose the first of {', '.join(parts)}")
    return parts[settings.layer]
