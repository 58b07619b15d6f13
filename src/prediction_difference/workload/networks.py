"""How many multiply-accumulates a forward pass of a configuration's network takes."""

import warnings
from typing import TYPE_CHECKING, Any

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.classifiers.kinds.efficientnet_lite0 import EfficientNetLite0
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.kinds.torch import TorchNetwork
from prediction_difference.classifiers.kinds.torchvision import TorchvisionNetwork
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.lookup import Shapes
from prediction_difference.run import Config

if TYPE_CHECKING:
    from torch import nn

_UNKNOWN_CLASSES = 10


def network_name(classifier: Classifier) -> str:
    """What the architecture of a classifier is called, with what changes its size."""
    match classifier:
        case TorchvisionNetwork(model=name) | FineTunedNetwork(model=name):
            return name
        case TorchNetwork(factory=factory):
            return factory.partition(":")[2].rpartition(".")[2] or factory
        case TrainedNetwork(architecture=name, width=width, halvings=halvings):
            return f"{name}-{width}-{halvings}"
        case _:
            return classifier.kind


def multiply_accumulates(config: Config, name: str, shapes: Shapes = {}) -> float | None:
    """Of one image, counted on a network without weights; None where it cannot be made so.

    shapes: of datasets whose files were looked at.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    classifier = config.classifiers[name]
    if isinstance(classifier, Checkpoint):
        classifier = config.classifiers[classifier.of]
    dataset = config.datasets[classifier.dataset]
    spatial = dataset.known_shape or shapes.get(classifier.dataset)
    if spatial is None:
        return None
    shape = (dataset.channel_count, *spatial)
    try:
        with warnings.catch_warnings(), torch.device("meta"), torch.no_grad():
            warnings.simplefilter("ignore")
            network = _made(classifier, shape, len(dataset.known_classes or ()) or _UNKNOWN_CLASSES)
            if network is None:
                return None
            with FlopCounterMode(display=False) as counter:
                network.eval()(torch.empty(1, *shape))
    # What a user's own code raises cannot be known; without a number the plan says so.
    except Exception:
        return None
    return counter.get_total_flops() / 2


def _made(classifier: Any, shape: tuple[int, ...], classes: int) -> "nn.Module | None":
    match classifier:
        case TorchvisionNetwork(model=name) | FineTunedNetwork(model=name):
            import torchvision

            options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
            made: nn.Module = torchvision.models.get_model(name, weights=None, **options)
            return made
        case EfficientNetLite0():
            from prediction_difference.classifiers.efficientnet_lite0 import build as lite

            return lite()
        case TorchNetwork(factory=factory):
            import importlib

            module, _, function = factory.partition(":")
            network: nn.Module = getattr(importlib.import_module(module), function)()
            return network
        case TrainedNetwork():
            from prediction_difference.classifiers.networks import build

            return build(classifier, shape, classes)
        case _:
            return None
