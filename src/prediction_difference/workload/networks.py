"""How many multiply-accumulates a forward pass of a configuration's network takes."""

import warnings
from typing import TYPE_CHECKING

from prediction_difference.lookup import Shapes
from prediction_difference.run import Config

if TYPE_CHECKING:
    pass

_UNKNOWN_CLASSES = 10


def multiply_accumulates(config: Config, name: str, shapes: Shapes = {}) -> float | None:
    """Of one image, counted on a network without weights; None where it cannot be made so.

    shapes: of datasets whose files were looked at.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    classifier = config.classifiers[name]
    if classifier.trained is not None:
        classifier = config.classifiers[classifier.trained]
    dataset = config.datasets[classifier.dataset]
    spatial = dataset.known_shape or shapes.get(classifier.dataset)
    if spatial is None:
        return None
    shape = (dataset.channel_count, *spatial)
    try:
        with warnings.catch_warnings(), torch.device("meta"), torch.no_grad():
            warnings.simplefilter("ignore")
            classes = len(dataset.known_classes or ()) or _UNKNOWN_CLASSES
            network = classifier.empty_network(shape, classes)
            if network is None:
                return None
            with FlopCounterMode(display=False) as counter:
                network.eval()(torch.empty(1, *shape))
    # What a user's own code raises cannot be known; without a number the plan says so.
    except Exception:
        return None
    return counter.get_total_flops() / 2
