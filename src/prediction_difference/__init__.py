"""Evidence maps for classifiers: which parts of an image speak for and against a decision.

What the workflow itself uses, and scripts may rely on. A name's module is imported when the name
is first used, so `import prediction_difference` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prediction_difference.attribution.clear import ClearMap, clear
    from prediction_difference.attribution.engines.layers import layer_activations
    from prediction_difference.attribution.heatmaps import heatmap
    from prediction_difference.attribution.nodes import Node
    from prediction_difference.attribution.prediction_difference import (
        Attribution,
        PredictionDifference,
    )
    from prediction_difference.attribution.reading import open_attribution
    from prediction_difference.classifiers.efficientnet_lite0 import efficientnet_lite0
    from prediction_difference.classifiers.logistic_regression import LinearClassifier
    from prediction_difference.classifiers.pretrained import imagenet_classes
    from prediction_difference.evaluation.perturbation import aopc, perturbation_curves
    from prediction_difference.priors.draws import (
        ConditionalSampler,
        MarginalSampler,
        Sampler,
        TensorSampler,
    )
    from prediction_difference.priors.gaussian import GaussianPatchPrior
    from prediction_difference.priors.unit_sampler import UnitSampler

_HOMES = {
    "Attribution": "attribution.prediction_difference",
    "ClearMap": "attribution.clear",
    "ConditionalSampler": "priors.draws",
    "GaussianPatchPrior": "priors.gaussian",
    "LinearClassifier": "classifiers.logistic_regression",
    "MarginalSampler": "priors.draws",
    "Node": "attribution.nodes",
    "PredictionDifference": "attribution.prediction_difference",
    "Sampler": "priors.draws",
    "TensorSampler": "priors.draws",
    "UnitSampler": "priors.unit_sampler",
    "aopc": "evaluation.perturbation",
    "clear": "attribution.clear",
    "efficientnet_lite0": "classifiers.efficientnet_lite0",
    "heatmap": "attribution.heatmaps",
    "imagenet_classes": "classifiers.pretrained",
    "layer_activations": "attribution.engines.layers",
    "open_attribution": "attribution.reading",
    "perturbation_curves": "evaluation.perturbation",
}

__all__ = [
    "Attribution",
    "ClearMap",
    "ConditionalSampler",
    "GaussianPatchPrior",
    "LinearClassifier",
    "MarginalSampler",
    "Node",
    "PredictionDifference",
    "Sampler",
    "TensorSampler",
    "UnitSampler",
    "aopc",
    "clear",
    "efficientnet_lite0",
    "heatmap",
    "imagenet_classes",
    "layer_activations",
    "open_attribution",
    "perturbation_curves",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
